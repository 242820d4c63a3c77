/**
 * A small graph with every operator that the blocked layout is used for, to see whether the runtime computes the same
 * in it as in the plain form. The layout is not documented: another version, or another processor, may do otherwise.
 */
import { Graph, type Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Rewrites, rewrite } from '../../graph/rewrite.js';
import { toOnnx } from '../../graph/serialize.js';
import { Random } from '../../random/random.js';
import { type Tensor, elementCount, tensor } from '../../tensor/tensor.js';
import { Program } from '../session.js';
import { portable } from './portable.js';

/** Deviations of batch norm's roundings; everything else is exact, since sums of small whole numbers are. */
const TOLERANCE = 1e-5;
/** Of batch norm. */
const EPSILON = 0.01;

interface Case {
  /** Of the image, in blocks; those with less than one have three channels. */
  readonly from: number;
  readonly to: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly options: Partial<op.ConvolutionGeometry>;
}

/**
 * The provider's kernels work on up to four blocks of outputs, 128 channels of a 1x1 convolution's input and six pixels
 * of a row at a time; pixels near the padding are apart.
 */
const convolutions = (block: number): readonly Case[] => [
  { from: 0, to: 2, size: [2, 9], kernel: [3, 3], options: { padding: [1, 1, 1, 1] } },
  { from: 0, to: 1, size: [6, 8], kernel: [3, 3], options: { stride: [2, 2], padding: [1, 1, 1, 1] } },
  { from: 1, to: 5, size: [2, 9], kernel: [3, 3], options: { padding: [1, 1, 1, 1] } },
  { from: 2, to: 1, size: [4, 6], kernel: [3, 3], options: { stride: [2, 2], padding: [1, 1, 1, 1] } },
  { from: 1, to: 1, size: [5, 4], kernel: [3, 3], options: { dilation: [2, 2], padding: [2, 2, 2, 2] } },
  { from: 128 / block + 1, to: 1, size: [1, 7], kernel: [1, 1], options: {} },
  { from: 1, to: 2, size: [2, 4], kernel: [1, 1], options: { stride: [2, 2] } },
];

/** Builds the graph, and with it the small whole numbers that it is fed. */
class Probe {
  readonly graph = new Graph();
  readonly feeds: Record<string, Tensor> = {};
  readonly #random = Random.fromSeed(0, 'probe');

  input(shape: readonly number[], low = -2, high = 2): Value {
    const name = `x${Object.keys(this.feeds).length}`;
    const draw = (): number => low + this.#random.integer(high - low + 1);
    this.feeds[name] = tensor('float32', shape, Float32Array.from({ length: elementCount(shape) }, draw));
    return this.graph.input(name, 'float32', shape);
  }

  outputs(values: readonly Value[]): void {
    for (const value of values) this.graph.output(`y${this.graph.outputs.size}`, value);
  }
}

/**
 * @param block channels in a block
 * @returns a graph in which everything can be blocked, and what to feed it
 */
export function probeGraph(block: number): { graph: Graph; feeds: Readonly<Record<string, Tensor>> } {
  const probe = new Probe();
  for (const { from, to, size, kernel, options } of convolutions(block)) {
    const geometry = op.geometry(options);
    const x = probe.input([block, from * block || 3, ...size]);
    const weight = probe.input([to * block, x.shape[1], ...kernel]);
    const z = op.conv(x, weight, probe.input([to * block]), geometry);
    const gradient = probe.input(z.shape);
    probe.outputs([z]);
    // What has a blocked form: the gradient of an image of whole blocks, and that of a weight without dilation.
    if (from > 0) probe.outputs([op.convGradInput(gradient, weight, x.shape, geometry)]);
    if (geometry.dilation[0] === 1) probe.outputs([op.convGradWeight(x, gradient, weight.shape, geometry)]);
  }
  betweenConvolutions(probe, block);
  return probe;
}

/** What follows a convolution: batch norm, ReLU, addition, max-pooling, and their gradients. */
function betweenConvolutions(probe: Probe, block: number): void {
  const channels = 3 * block;
  const z = op.conv(probe.input([2, block, 6, 8]), probe.input([channels, block, 1, 1]));
  const [scale, bias, inferenceMean] = [1, 2, 3].map(() => probe.input([channels]));
  const variance = probe.input([channels], 1, 4);

  const batchNorm = op.batchNormTraining(z, scale, bias, EPSILON);
  const gradient = probe.input(z.shape);
  probe.outputs([batchNorm.y, batchNorm.mean, batchNorm.variance, op.relu(batchNorm.y)]);
  probe.outputs(op.batchNormTrainingGrad(gradient, z, scale, batchNorm.mean, batchNorm.variance, EPSILON));
  probe.outputs([op.batchNormalization(z, scale, bias, inferenceMean, variance, EPSILON)]);

  const active = op.relu(z);
  const sum = op.add(batchNorm.y, z);
  const later = op.sub(op.add(active, active), 3);
  // One addition and one ReLU in the same pass as what is before them, and one each by itself.
  probe.outputs([active, sum, op.relu(sum), op.relu(later)]);

  const { values } = op.maxPool(active, { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] });
  const gradActive = op.maxPoolGrad(probe.input(values.shape), values.producer!);
  probe.outputs([values, gradActive, op.reluGrad(gradient, active)]);
}

/** Whether a lowering gives the numbers of the plain form, for everything that the blocked layout is used for. */
export async function agrees(rewrites: Rewrites, block: number): Promise<boolean> {
  const { graph, feeds } = probeGraph(block);
  const expected = await runOnce(rewrite(graph, portable), feeds);
  const actual = await runOnce(rewrite(graph, rewrites), feeds);
  return Object.entries(expected).every(([name, { data }]) => {
    const [wanted, found] = [data as Float32Array, actual[name].data as Float32Array];
    // Written so that NaN fails.
    return wanted.every((value, i) => Math.abs(found[i] - value) <= TOLERANCE * (1 + Math.abs(value)));
  });
}

/** Runs a graph that needs no more lowering. */
export async function runOnce(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const program = await Program.load(toOnnx(graph), { provider: 'cpu', threads: 1 });
  try {
    return await program.run(feeds);
  } finally {
    await program.release();
  }
}
