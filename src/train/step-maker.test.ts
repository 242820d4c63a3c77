/** A step in two graphs around a sum is, with one shard, the step in one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import type { Tensors } from '../engine/session.js';
import type { StateStore } from '../engine/state-store.js';
import { type StepRunner, shardedStep } from '../engine/step-runner.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { adam } from '../optim/adam.js';
import { sgd } from '../optim/sgd.js';
import { tensor } from '../tensor/tensor.js';
import { tract } from '../tract/tract.js';
import { compileStep, prepareStep } from './step-maker.js';
import { gradientGraph, updateGraph } from './training-graph.js';

const batchSize = 12;
const { train, mean, deviation } = shapes({ train: batchSize, test: 1 });
const inputs: Tensors = {
  images: tensor('uint8', [batchSize, 3, 32, 32], train.images.slice()),
  labels: tensor('int32', [batchSize], Array.from(train.labels)),
  mean: tensor('float32', [3], mean),
  deviation: tensor('float32', [3], deviation),
  learning_rate: tensor('float32', [], [0.01]),
};

/** The state after three steps. */
async function after(runner: StepRunner, store: StateStore): Promise<Tensors> {
  for (const step of [1, 2, 3]) await runner.step(store, { ...inputs, step: tensor('float64', [], [step]) });
  return store.read();
}

describe('a step in two halves, of one shard, has the bits of the step in one graph', () => {
  const cases = {
    'an MLP by TrAct (dual form)': [
      tract(mlp({ width: 8, depth: 1 })),
      sgd({ learningRate: 1, momentum: 0.9 }),
    ],
    'a ResNet by TrAct': [tract(resnet18({ width: 4 })), sgd({ learningRate: 1, momentum: 0.9 })],
    'a ViT by TrAct and Adam': [tract(vit({ width: 12, depth: 1, heads: 2, patch: 8 })), adam()],
  } as const;
  for (const [what, [given, optimizer]] of Object.entries(cases)) {
    it(what, async () => {
      const options = { batchSize, optimizer, shards: 1, threads: 1, seed: 0 };
      const [whole, cut] = [prepareStep(given, options), prepareStep(given, options)];
      const fused = await compileStep(whole, options);
      const halves = await shardedStep(gradientGraph(given, options).graph, updateGraph(given, options), {
        shards: 1,
        threads: 1,
        shardOf: (inputs) => inputs,
      });
      assert.deepEqual(await after(halves, cut.store), await after(fused, whole.store));
      for (const runner of [fused, halves]) await runner.release();
    });
  }
});
