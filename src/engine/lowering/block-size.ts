/** Whether ONNX Runtime's blocked layout can be relied on here, and how many channels a block has. */
import { Graph } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Rewrites, rewrite } from '../../graph/rewrite.js';
import { toOnnx } from '../../graph/serialize.js';
import { Random } from '../../random/random.js';
import { type Shape, type Tensor, elementCount, tensor } from '../../tensor/tensor.js';
import { Program } from '../session.js';
import { reorderInput } from './blocked-layout.js';
import { blockedCpu } from './cpu.js';
import { portable } from './portable.js';

/** Enough channels for two of the largest blocks. */
const CHANNELS = 32;

let known: Promise<number | undefined> | undefined;

/**
 * The number of channels in a block: 16 with AVX-512, 8 with AVX2. Undefined where the runtime has no blocked layout,
 * or where it does not give the numbers of the plain operators; found out once.
 */
export function blockSize(): Promise<number | undefined> {
  known ??= probe().catch(() => undefined);
  return known;
}

async function probe(): Promise<number | undefined> {
  const block = await reorderedBlock();
  if (block === undefined) return undefined;
  const [expected, actual] = await Promise.all([convolution(portable), convolution(blockedCpu(block))]);
  const agrees = actual.every(
    (value, i) => Math.abs(value - expected[i]) <= 1e-4 * (1 + Math.abs(expected[i])),
  );
  return agrees ? block : undefined;
}

/**
 * The channels in a block, as far as reordering shows them: in memory, the second pixel of the first channel follows the
 * first pixels of all channels in its block.
 */
export async function reorderedBlock(): Promise<number | undefined> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, CHANNELS, 1, 2]);
  graph.output('y', reorderInput(x));
  const numbers = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
  const { y } = await run(graph, portable, { x: tensor('float32', x.shape, numbers) });
  const block = Array.from(y.data as Float32Array).indexOf(1);
  return block === 8 || block === 16 ? block : undefined;
}

/** A small convolution with its gradients, as one list of numbers. */
async function convolution(rewrites: Rewrites): Promise<Float32Array> {
  const random = Random.fromSeed(0, 'probe');
  const draw = (shape: Shape): Tensor<'float32'> =>
    tensor(
      'float32',
      shape,
      Float32Array.from({ length: elementCount(shape) }, () => random.normal()),
    );
  const graph = new Graph();
  const shapes = {
    x: [16, CHANNELS, 4, 4],
    weight: [CHANNELS, CHANNELS, 3, 3],
    gradient: [16, CHANNELS, 4, 4],
  };
  const [x, weight, gradient] = Object.entries(shapes).map(([name, shape]) =>
    graph.input(name, 'float32', shape),
  );
  const geometry = op.geometry({ padding: [1, 1, 1, 1] });
  graph.output('z', op.conv(x, weight, null, geometry));
  graph.output('gradX', op.convGradInput(gradient, weight, x.shape, geometry));
  graph.output('gradWeight', op.convGradWeight(x, gradient, weight.shape, geometry));
  const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, draw(shape)]));
  const results = await run(graph, rewrites, feeds);
  return Float32Array.from(Object.values(results).flatMap(({ data }) => Array.from(data as Float32Array)));
}

async function run(
  graph: Graph,
  rewrites: Rewrites,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const program = await Program.load(toOnnx(rewrite(graph, rewrites)), { provider: 'cpu' });
  try {
    return await program.run(feeds);
  } finally {
    await program.release();
  }
}
