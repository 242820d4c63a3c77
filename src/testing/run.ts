/** Runs small graphs in tests, and makes the tensors they are fed. */
import assert from 'node:assert/strict';
import { type CompileOptions, compile } from '../engine/compile.js';
import type { Tensors } from '../engine/session.js';
import { Graph, type Value } from '../graph/graph.js';
import { Random } from '../random/random.js';
import { type DType, type Shape, type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';

/** Compiles a graph, runs it once and frees it; the results have the shapes and types that the builders inferred. */
export async function runGraph(
  graph: Graph,
  feeds: Tensors = {},
  options: CompileOptions = {},
): Promise<Record<string, Tensor>> {
  const program = await compile(graph, { threads: 1, ...options });
  try {
    const results = await program.run(feeds);
    for (const [name, { dtype, shape }] of graph.outputs) {
      assert.deepEqual(results[name].shape, shape, `the shape inferred for "${name}"`);
      assert.equal(results[name].dtype, dtype, `the type inferred for "${name}"`);
    }
    return results;
  } finally {
    await program.release();
  }
}

/** What `build` computes of the given tensors, which become the inputs of a graph. */
export async function evaluate(
  tensors: readonly Tensor[],
  build: (...inputs: Value[]) => Value,
  options: CompileOptions = {},
): Promise<Tensor> {
  const graph = new Graph();
  const inputs = tensors.map(({ dtype, shape }, i) => graph.input(`x${i}`, dtype, shape));
  graph.output('y', build(...inputs));
  const feeds = Object.fromEntries(tensors.map((value, i) => [`x${i}`, value]));
  return (await runGraph(graph, feeds, options)).y;
}

/** A tensor of normally distributed elements. */
export function randomTensor<D extends DType>(dtype: D, shape: Shape, seed = 0): Tensor<D> {
  const random = Random.fromSeed(seed, shape.join());
  return tensor(
    dtype,
    shape,
    Array.from({ length: elementCount(shape) }, () => random.normal()),
  );
}

/** Compares elements with a tolerance relative to the greatest of them. */
export function assertClose(actual: Tensor, expected: Tensor, tolerance: number, what = 'result'): void {
  assert.deepEqual(actual.shape, expected.shape, `the shape of the ${what}`);
  const [ours, theirs] = [toNumbers(actual), toNumbers(expected)];
  const scale = Math.max(...theirs.map(Math.abs)) || 1;
  ours.forEach((value, i) => {
    // Written so that NaN fails.
    const near = Math.abs(value - theirs[i]) <= tolerance * scale;
    assert.ok(near, `element ${i} of the ${what} is ${value}, not ${theirs[i]} (greatest: ${scale})`);
  });
}
