/** Layers in a file: matrix products with their weights and shifts, and what is put behind convolutions. */
import { sameShape } from '../../tensor/tensor.js';
import type { Value } from '../graph.js';
import type { NodeProto } from '../onnx_pb.js';
import * as op from '../ops.js';
import { plainDomain } from './foreign-model.js';
import type { Frame } from './frames.js';
import type { GraphBuilder } from './graph-builder.js';
import { type Known, type OperatorNode, shapeOf } from './known.js';

/** A matrix product with a weight is a linear layer: one node, in which TrAct and lowerings find the weight. */
export function linearLayer(
  node: OperatorNode,
  frame: Frame,
  builder: GraphBuilder,
  joined: Map<NodeProto, string>,
): Known | undefined {
  const { opType, inputs, attributes } = node;
  const [x, weight, bias] = inputs;
  if (x?.kind !== 'value' || !weight || x.value.shape.length < 2 || shapeOf(weight)?.length !== 2)
    return undefined;
  if (weight.kind === 'constant') return undefined;
  if (opType === 'MatMul') {
    if (weight.kind !== 'weight' && !isTransposedParameter(weight)) return undefined;
    const value = builder.operand(weight, node, 1);
    const shift = shiftBehind(node, shapeOf(weight)![1], frame, builder, joined);
    const z = builder.scoped(node, () => op.linear(x.value, transposed(value), shift));
    return { kind: 'value', value: z };
  }
  if (opType !== 'Gemm') return undefined;
  const plain =
    attributes.int('transA', 0) === 0 &&
    attributes.float('alpha', 1) === 1 &&
    (attributes.float('beta', 1) === 1 || !bias);
  const out = shapeOf(weight)![attributes.int('transB', 0) === 0 ? 1 : 0];
  if (!plain || x.value.shape.length !== 2 || (bias && !sameShape(shapeOf(bias) ?? [], [out])))
    return undefined;
  const value = builder.operand(weight, node, 1);
  const shift = bias ? builder.operand(bias, node, 2) : null;
  const z = builder.scoped(node, () =>
    op.linear(x.value, attributes.int('transB', 0) === 0 ? transposed(value) : value, shift),
  );
  return { kind: 'value', value: z };
}

/**
 * A shift that is added to a matrix product and to nothing else belongs to the layer: the Add that follows is then
 * known already.
 */
function shiftBehind(
  node: OperatorNode,
  length: number,
  frame: Frame,
  builder: GraphBuilder,
  joined: Map<NodeProto, string>,
): Value | null {
  const [name] = node.outputs;
  const { count, user } = frame.uses.get(name) ?? { count: 0 };
  if (count !== 1 || user?.opType !== 'Add' || plainDomain(user.domain) !== '') return null;
  const shift = user.input.map((other) => frame.values.get(other)).find((known) => known?.kind === 'weight');
  if (!shift || !sameShape(shift.tensor.shape, [length])) return null;
  joined.set(user, name);
  return builder.operand(shift, { ...node, opType: 'Gemm' }, 2);
}

/** What is to take the place of a convolution. */
export function behindConvolution(
  node: OperatorNode,
  results: readonly Known[],
  builder: GraphBuilder,
): readonly Known[] {
  const [first] = results;
  const weight = node.inputs[1];
  const { convolution } = builder.options;
  if (!convolution || first.kind !== 'value' || weight?.kind !== 'weight') return results;
  const value = builder.scoped(node, () => convolution(first.value, weight.name, Boolean(node.inputs[2])));
  return [{ kind: 'value', value }];
}

/** A parameter with its two axes exchanged. */
function isTransposedParameter(known: Known): boolean {
  if (known.kind !== 'value') return false;
  const { producer } = known.value;
  return producer?.opType === 'Transpose' && producer.inputs[0]?.producer === undefined;
}

/** The two axes of a matrix exchanged; what was exchanged before is what it was. */
function transposed(matrix: Value): Value {
  const { producer } = matrix;
  return producer?.opType === 'Transpose' ? producer.inputs[0]! : op.transpose(matrix, [1, 0]);
}
