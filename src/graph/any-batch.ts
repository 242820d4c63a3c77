/**
 * A graph for any number of images, made from graphs for certain numbers of them: all shapes of this representation
 * are static, while an `.onnx` file may leave a dimension open.
 */
import { type Tensor, sameShape, tensor } from '../tensor/tensor.js';
import { type Attribute, type Attributes, int } from './attributes.js';
import { Graph, GraphError, type Node, type Value } from './graph.js';
import { live } from './live.js';
import { int64s } from './ops/shape.js';

/** A length, the name of an open one, or null for one that has no name. */
export type Dimension = number | string | null;

export interface AnyBatch {
  /** Computes the same of any batch; the shapes it states are those of one certain batch. */
  readonly graph: Graph;
  /** The shape of a value of that graph, with the batch left open. */
  readonly dimensions: (value: Value) => readonly Dimension[];
}

/** The name of the open dimension. */
const BATCH = 'N';

/**
 * Numbers of images that no other length of a model is likely to be: two primes, and one that all small numbers
 * divide, in case a model does something else for even numbers, say.
 */
const SIZES = [1009, 1013, 5040] as const;

/** A graph that is another one for each number of images; a number is the way out. */
export class AnyBatchError extends GraphError {
  override name = 'AnyBatchError';
}

/** A graph for one number of images. */
interface Sized {
  readonly size: number;
  readonly graph: Graph;
}

/** A length as a multiple of the batch, or a fixed one. */
type Length = { readonly fixed: number } | { readonly times: number };

/**
 * Builds a graph for batches of several sizes, and makes one graph for any of them. They may differ in nothing but
 * lengths that are a multiple of the batch: in shapes, and in the shapes that Reshape and Expand are told.
 *
 * @param build the graph for a batch of the given size, of standard operators
 * @throws AnyBatchError naming the first node where they differ in something else
 */
export function anyBatch(build: (batchSize: number) => Graph): AnyBatch {
  const [first, ...others] = SIZES.map((size): Sized => ({ size, graph: build(size) }));
  const [result] = others.map((other) => joined(first, other));
  return result;
}

/** The graph for any number of images that follows from those for two numbers. */
function joined(first: Sized, second: Sized): AnyBatch {
  const [one, other] = [first.graph, second.graph];
  const [nodes, otherNodes] = [live(one).nodes, live(other).nodes];
  const lengthsOf = lengthsIn(first.size, second.size);
  const graph = new Graph(one.outputs.keys());
  const lengths = new Map<Value, readonly Length[]>();
  /** What stands for a value of the one graph in the new one, and in the other. */
  const pairs = new Map<Value, { readonly value: Value; readonly other: Value }>();
  const pair = (from: Value, to: Value, value: Value): void => {
    lengths.set(value, lengthsOf(from, to));
    pairs.set(from, { value, other: to });
  };
  agree(one.inputs.length === other.inputs.length, 'they have different inputs');
  one.inputs.forEach((input, i) => {
    agree(
      sameType(input, other.inputs[i]) && input.name === other.inputs[i].name,
      'they have different inputs',
    );
    pair(input, other.inputs[i], graph.input(input.name, input.dtype, input.shape));
  });
  agree(nodes.length === otherNodes.length, 'they have different numbers of nodes');
  nodes.forEach((node, index) => {
    const twin = otherNodes[index];
    const where = `at ${node.scope}/${node.opType}`;
    agree(sameNode(node, twin), where);
    const inputs = node.inputs.map((from, i): Value | null => {
      const to = twin.inputs[i];
      if (!from || !to) {
        agree(from === to, where);
        return null;
      }
      if (!from.constant || !to.constant) {
        const known = pairs.get(from);
        agree(known?.other === to, where);
        return known!.value;
      }
      if (sameTensor(from.constant, to.constant)) return graph.constant(from.constant);
      // The shape of the result, for operators that are told it.
      agree(i === 1 && ['Reshape', 'Expand'].includes(node.opType) && node.domain === '', where);
      return graph.inScope(node.scope, () =>
        openShape(graph, node, lengthsOf(node.outputs[0], twin.outputs[0]), lengths),
      );
    });
    const outputs = graph.inScope(node.scope, () =>
      graph.add(node.opType, inputs, node.attributes, node.outputs, node.domain),
    );
    node.outputs.forEach((output, i) => {
      pair(output, twin.outputs[i], outputs[i]);
    });
  });
  agree([...one.outputs.keys()].join() === [...other.outputs.keys()].join(), 'they have different outputs');
  for (const [name, from] of one.outputs) {
    const to = other.outputs.get(name)!;
    const value = pairs.get(from);
    agree(value?.other === to, `at the output ${name}`);
    graph.output(name, value!.value);
  }
  return {
    graph,
    dimensions: (value) => lengths.get(value)?.map(dimension) ?? value.shape,
  };
}

const dimension = (length: Length): Dimension =>
  'fixed' in length ? length.fixed : length.times === 1 ? BATCH : null;

function agree(holds: boolean, where: string): void {
  if (!holds) throw differing(where);
}

function differing(where: string): AnyBatchError {
  return new AnyBatchError(
    `the model cannot be written for any number of images, because its graphs for ${SIZES.join(', ')} of them differ in more than that number (${where}); write it for a certain number`,
  );
}

function sameType(a: Value, b: Value): boolean {
  return a.dtype === b.dtype && a.shape.length === b.shape.length;
}

function sameNode(a: Node, b: Node): boolean {
  return (
    a.opType === b.opType &&
    a.domain === b.domain &&
    a.inputs.length === b.inputs.length &&
    a.outputs.length === b.outputs.length &&
    a.outputs.every((output, i) => sameType(output, b.outputs[i])) &&
    sameAttributes(a.attributes, b.attributes)
  );
}

function sameAttributes(a: Attributes, b: Attributes): boolean {
  const names = Object.keys(a);
  const elements = ({ value }: Attribute): readonly unknown[] => (Array.isArray(value) ? value : [value]);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      if (!Object.hasOwn(b, name) || a[name].type !== b[name].type) return false;
      const [ours, theirs] = [elements(a[name]), elements(b[name])];
      return ours.length === theirs.length && ours.every((element, i) => Object.is(element, theirs[i]));
    })
  );
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) return false;
  const [ours, theirs] = [a, b].map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return ours.every((byte, i) => byte === theirs[i]);
}

/** The lengths of a value by the shapes that it has in the graphs for two numbers of images. */
function lengthsIn(first: number, second: number): (one: Value, other: Value) => Length[] {
  return (one, other) =>
    one.shape.map((length, axis) => {
      if (length === other.shape[axis]) return { fixed: length };
      const times = length / first;
      agree(Number.isInteger(times) && other.shape[axis] === times * second, `in the shape of ${one.name}`);
      return { times };
    });
}

/** The shape that Reshape or Expand is told, where it depends on the batch. */
function openShape(
  graph: Graph,
  node: Node,
  shape: readonly Length[],
  lengths: ReadonlyMap<Value, readonly Length[]>,
): Value {
  const fixed = shape.map((length) => ('fixed' in length ? length.fixed : -1));
  // Reshape infers one length. It is the right one: the product of all lengths is as many times the batch in the
  // result as in what is reshaped, for both batches and so for any.
  if (node.opType === 'Reshape') {
    agree(fixed.filter((length) => length === -1).length === 1, `at ${node.scope}/Reshape`);
    return int64s(graph, fixed);
  }
  const batch = batchOf(graph, lengths, node);
  const parts = shape.map((length) =>
    'fixed' in length ? int64s(graph, [length.fixed]) : multiple(batch, length.times),
  );
  return graph.add('Concat', parts, { axis: int(0) }, [{ dtype: 'int64', shape: [parts.length] }])[0];
}

/** The number of images when the graph runs, int64 [1]: a length of one of its inputs (ONNX Shape-19). */
function batchOf(graph: Graph, lengths: ReadonlyMap<Value, readonly Length[]>, node: Node): Value {
  for (const input of graph.inputs) {
    const axis = lengths.get(input)!.findIndex((length) => 'times' in length && length.times === 1);
    if (axis === -1) continue;
    const range = { start: int(axis), end: int(axis + 1) };
    return graph.add('Shape', [input], range, [{ dtype: 'int64', shape: [1] }])[0];
  }
  throw differing(`at ${node.scope}/${node.opType}`);
}

function multiple(batch: Value, times: number): Value {
  if (times === 1) return batch;
  const factor = batch.graph.constant(tensor('int64', [1], [times]));
  return batch.graph.add('Mul', [batch, factor], {}, [{ dtype: 'int64', shape: [1] }])[0];
}
