/** The head of a classifier: the last layer with weights before its logits. */
import type { Graph, Node, Value } from '../graph/graph.js';

/** A layer that gives logits. */
export interface Head {
  /** The name of its weight. */
  readonly weight: string;
  readonly bias: string | undefined;
  /** Of the weight. */
  readonly shape: readonly number[];
  /** The axis of the weight that classes are along. */
  readonly outAxis: number;
}

/** What may stand between the head and the logits: it keeps which class is which. */
const passing = new Set([
  'Add',
  'AveragePool',
  'Cast',
  'Div',
  'Flatten',
  'GlobalAveragePool',
  'Identity',
  'Mul',
  'ReduceMean',
  'Relu',
  'Reshape',
  'Squeeze',
]);

/** The last layers with weights before a value, each weight once; several where it is a sum of several. */
export function findHeads(logits: Value, graph: Graph): Head[] {
  const weights = new Set(graph.inputs.map(({ name }) => name));
  const isWeight = (value: Value | null | undefined): value is Value =>
    value !== null && value !== undefined && !value.producer && !value.constant && weights.has(value.name);
  const heads: Head[] = [];
  const seen = new Set<Value>();
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    const { producer } = value;
    if (!producer) return;
    const head = headOf(producer, isWeight);
    if (head) {
      if (!heads.some(({ weight }) => weight === head.weight)) heads.push(head);
    } else if (passing.has(producer.opType)) for (const input of producer.inputs) if (input) visit(input);
  };
  visit(logits);
  return heads;
}

function headOf(
  { opType, inputs, attributes }: Node,
  isWeight: (value: Value | null | undefined) => value is Value,
): Head | undefined {
  const [, weight, bias] = inputs;
  if (!weight || !['Linear', 'Conv', 'Gemm', 'MatMul'].includes(opType)) return undefined;
  const given = weight.producer?.opType === 'Transpose' ? weight.producer.inputs[0] : weight;
  if (!isWeight(given)) return undefined;
  const outFirst =
    opType === 'Linear' ||
    opType === 'Conv' ||
    (Object.hasOwn(attributes, 'transB') && attributes.transB.value === 1);
  return {
    weight: given.name,
    bias: isWeight(bias) ? bias.name : undefined,
    shape: given.shape,
    outAxis: outFirst === (given === weight) ? 0 : 1,
  };
}
