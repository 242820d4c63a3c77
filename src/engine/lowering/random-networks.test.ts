/**
 * Lowerings against the plain form on networks made up at random, all-zero and constant images included.
 *
 * How far two right answers may be apart depends on the network: a channel that is constant over a batch has no
 * variance, and batch norm then magnifies nothing but rounding errors (316 times, with its epsilon of 1e-5); the sign
 * of such an error decides whether ReLU lets a gradient pass. So the measure is the network itself: a lowering may
 * change a result by no more than a change of the inputs in their last digits does.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Graph, type Node, type Value } from '../../graph/graph.js';
import { live } from '../../graph/live.js';
import * as op from '../../graph/ops.js';
import type { Rewrites } from '../../graph/rewrite.js';
import { Random } from '../../random/random.js';
import { type Tensor, tensor } from '../../tensor/tensor.js';
import { lowerings } from '../../testing/lowerings.js';
import { imageKinds, randomNetwork } from '../../testing/random-network.js';
import { compile } from '../compile.js';
import type { Tensors } from '../session.js';
import { portable } from './portable.js';

/** Two networks, or one, for each kind of images. */
const NETWORKS = 2 * imageKinds.length;
const DISSECTED = imageKinds.length;

/** Results for each of several feeds. */
async function runAll(graph: Graph, feeds: readonly Tensors[], rewrites: Rewrites): Promise<Tensors[]> {
  const program = await compile(graph, { threads: 1, rewrites });
  try {
    const results: Tensors[] = [];
    for (const one of feeds) results.push(await program.run(one));
    return results;
  } finally {
    await program.release();
  }
}

const map = (tensors: Tensors, change: (value: number) => number): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, value]): [string, Tensor] => [
      name,
      value.dtype === 'float32'
        ? tensor('float32', value.shape, Array.from(value.data as Float32Array, change))
        : value,
    ]),
  );

/** Feeds as they are; all numbers shifted upwards, so that no changes cancel in a sum; each changed by its own factor. */
function perturbed(feeds: Tensors, relative: number): Tensors[] {
  const random = Random.fromSeed(0, 'perturbation');
  return [
    feeds,
    map(feeds, (value) => value + relative * Math.abs(value)),
    map(feeds, (value) => value * (1 + relative * random.normal())),
  ];
}

function distance(a: Tensor, b: Tensor): number {
  const [left, right] = [a.data as Float32Array, b.data as Float32Array];
  let greatest = 0;
  for (let i = 0; i < left.length; i++) {
    const difference = Math.abs(left[i] - right[i]);
    // Written so that NaN is kept.
    if (!(difference <= greatest)) greatest = difference;
  }
  return greatest;
}

const magnitude = ({ data }: Tensor): number =>
  (data as Float32Array).reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);

/**
 * Fails where the lowering's results are further from the plain ones than the perturbed ones are.
 *
 * @param tolerance what is allowed of a result by its name, as a fraction of its magnitude, in place of that; undefined
 *   where perturbing is the measure
 */
async function assertAgrees(
  graph: Graph,
  feeds: Tensors,
  rewrites: Rewrites,
  relative: number,
  tolerance: (name: string) => number | undefined,
  what: string,
): Promise<void> {
  const [expected, ...others] = await runAll(graph, perturbed(feeds, relative), portable);
  const [actual] = await runAll(graph, [feeds], rewrites);
  for (const name of graph.outputs.keys()) {
    const fraction = tolerance(name);
    const sensitivity = Math.max(...others.map((other) => distance(other[name], expected[name])));
    const scale = magnitude(expected[name]);
    const allowed = fraction === undefined ? 4 * sensitivity + relative * scale : fraction * scale;
    const found = distance(actual[name], expected[name]);
    assert.ok(
      found <= allowed,
      `${what}: ${name} differs by ${found}, more than ${allowed} (greatest: ${scale})`,
    );
  }
}

/**
 * Every operator of a network by itself, all of them fed what the plain form computes: nothing can add up here.
 *
 * Images come out of a convolution with the identity, so that they are in the layout of the lowering.
 */
async function operators({ graph, feeds }: { graph: Graph; feeds: Tensors }) {
  const { nodes } = live(graph);
  const every = new Graph();
  const names = new Map<Value, string>(graph.inputs.map((input) => [input, input.name]));
  const whole = withOutputs(graph, nodes, names);
  const [values] = await runAll(whole, [feeds], portable);
  const known: Tensors = { ...feeds, ...values };

  const taken: Record<string, Tensor> = {};
  const inputs = new Map<Value, Value>();
  const input = (value: Value): Value => {
    if (value.constant) return every.constant(value.constant);
    let mapped = inputs.get(value);
    if (!mapped) {
      const name = names.get(value)!;
      taken[name] = known[name];
      mapped = layoutOfItsOwn(every.input(name, value.dtype, value.shape));
      inputs.set(value, mapped);
    }
    return mapped;
  };
  nodes.forEach((node, i) => {
    const arguments_ = node.inputs.map((value) => value && input(value));
    // A lowering knows max-pooling over ReLU's results.
    if (node.opType === 'MaxPool') arguments_[0] = op.relu(arguments_[0]!);
    if (node.opType === 'MaxPoolGrad') arguments_[1] = op.relu(arguments_[1]!);
    every
      .add(node.opType, arguments_, node.attributes, node.outputs, node.domain)
      .forEach((output, index) => {
        if (output.dtype === 'float32') every.output(`${node.opType} ${i}, result ${index}`, output);
      });
  });
  return { graph: every, feeds: taken };
}

/** The same graph with everything that is computed on the way as an output, and its name in `names`. */
function withOutputs(graph: Graph, nodes: readonly Node[], names: Map<Value, string>): Graph {
  nodes.forEach((node, i) => {
    node.outputs.forEach((output, index) => {
      const name = `value ${i}.${index}`;
      names.set(output, name);
      graph.output(name, output);
    });
  });
  return graph;
}

function layoutOfItsOwn(x: Value): Value {
  if (x.dtype !== 'float32' || x.shape.length !== 4) return x;
  const channels = x.shape[1];
  const identity = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
  return op.conv(x, x.graph.constant(tensor('float32', [channels, channels, 1, 1], identity)));
}

/** Selections and single sums are exact; max-pooling's gradient adds up to four numbers. */
const exact: Readonly<Record<string, number>> = {
  Relu: 0,
  Add: 0,
  MaxPool: 0,
  ReluGrad: 0,
  MaxPoolGrad: 2 ** -21,
};

for (const [lowering, rewrites] of Object.entries(lowerings)) {
  // The plain forms differ in nothing but the patches of convolutions, which have tests of their own.
  if (lowering.startsWith('portable')) continue;
  describe(`the lowering ${lowering} agrees with the plain one on random networks`, () => {
    test('in the loss and all gradients of the first step', async () => {
      for (let seed = 0; seed < NETWORKS; seed++) {
        const { graph, feeds, description } = randomNetwork(seed);
        await assertAgrees(graph, feeds, rewrites, 1e-5, () => undefined, description);
      }
    });

    test('in every operator, on the values that it meets there', async () => {
      for (let seed = 0; seed < DISSECTED; seed++) {
        const network = randomNetwork(seed);
        const { graph, feeds } = await operators(network);
        await assertAgrees(
          graph,
          feeds,
          rewrites,
          1e-6,
          (name) => exact[name.split(' ')[0]],
          network.description,
        );
      }
    });
  });
}
