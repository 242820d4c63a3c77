import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import { nextName, stateFeeds } from '../graph/state-names.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import type { Model } from '../nn/model.js';
import { adam } from '../optim/adam.js';
import type { Optimizer } from '../optim/optimizer.js';
import { sgd } from '../optim/sgd.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { type Tensor, sameShape, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { runGraph } from '../testing/run.js';
import { tract } from '../tract/tract.js';
import { initialSlots, initialWeights } from './initial-state.js';
import { evaluationGraph, inferenceGraph } from './step-graph.js';
import { trainingGraph } from './training-graph.js';

const batchSize = 12;
const { train, mean, deviation } = shapes({ train: batchSize, test: 1 });
const batch = {
  // A copy: ONNX Runtime takes no shared memory, in which datasets lie.
  images: tensor('uint8', [batchSize, 3, 32, 32], train.images.slice()),
  labels: tensor('int32', [batchSize], Array.from(train.labels)),
  mean: tensor('float32', [3], mean),
  deviation: tensor('float32', [3], deviation),
};

/** Random weights and running statistics of a model, for both of its graphs. */
function weightsOf(model: Model): Record<string, Tensor> {
  return initialWeights(evaluationGraph(model, 1), 1);
}

async function step(
  given: Model | Trainable,
  options: { optimizer?: Optimizer; labelSmoothing?: number } = {},
): Promise<Record<string, Tensor>> {
  const { optimizer = sgd({ learningRate: 0.1 }), labelSmoothing } = options;
  const { model, transforms } = trainable(given);
  const traced = trainingGraph(given, { batchSize, optimizer, labelSmoothing });
  const weights = weightsOf(model);
  const state = { ...weights, ...initialSlots(traced, transforms, weights) };
  const rest = { learning_rate: tensor('float32', [], [0.1]), step: tensor('float64', [], [1]) };
  return runGraph(traced.graph, { ...stateFeeds(state), ...batch, ...rest });
}

describe('a training step', () => {
  for (const [make, first] of [
    [() => resnet18({ width: 2 }), 'conv1.weight'],
    [() => vit({ patch: 8, width: 12, depth: 1 }), 'patch_embed.proj.weight'],
    [() => mlp({ width: 8, depth: 1 }), 'layers.0.weight'],
  ] as const) {
    it(`with TrAct differs in the update of ${first} alone`, async () => {
      const vanilla = await step(make());
      const transformed = await step(tract(make()));
      assert.deepEqual(Object.keys(transformed), Object.keys(vanilla));
      const different = Object.keys(vanilla).filter((name) => {
        const theirs = toNumbers(vanilla[name]);
        return toNumbers(transformed[name]).some((value, i) => !Object.is(value, theirs[i]));
      });
      assert.deepEqual(different, [nextName(first)]);
    });
  }

  it('moves every parameter', async () => {
    const model = vit({ patch: 8, width: 12, depth: 1, mlpRatio: 1 });
    const before = weightsOf(model);
    const after = await step(model, { optimizer: adam() });
    for (const [name, { data, shape }] of Object.entries(before)) {
      const next = after[nextName(name)];
      assert.ok(sameShape(next.shape, shape));
      assert.ok(
        next.data.some((value, i) => value !== data[i]),
        `${name} stays`,
      );
    }
  });

  it('smooths the labels it trains on', async () => {
    const [plain, smooth] = [await step(mlp()), await step(mlp(), { labelSmoothing: 0.3 })];
    assert.notEqual(smooth.loss.data[0], plain.loss.data[0]);
    assert.equal(smooth.correct.data[0], plain.correct.data[0]);
  });
});

describe('evaluation', () => {
  it('gives the losses, the right answers and the logits of a batch', async () => {
    const model = mlp({ width: 8 });
    const weights = weightsOf(model);
    const { losses, correct, logits } = await runGraph(evaluationGraph(model, batchSize).graph, {
      ...stateFeeds(weights),
      ...batch,
    });
    const [all, right] = [toNumbers(logits), toNumbers(correct)];
    toNumbers(losses).forEach((loss, row) => {
      const own = all.slice(10 * row, 10 * (row + 1));
      const label = train.labels[row];
      const total = Math.log(own.reduce((sum, value) => sum + Math.exp(value), 0));
      assert.ok(Math.abs(loss - (total - own[label])) < 1e-5);
      assert.equal(right[row], Number(own.indexOf(Math.max(...own)) === label));
    });
    // The same batch in training: its mean loss and number of right answers.
    const trained = await step(model);
    const sum = toNumbers(losses).reduce((a, b) => a + b, 0);
    assertWithin(toNumbers(trained.loss), [sum / batchSize], 1e-6, 'mean loss');
    assert.equal(
      Number(trained.correct.data[0]),
      right.reduce((a, b) => a + b, 0),
    );
  });
});

describe('the inference graph', () => {
  it('computes the logits of evaluation without labels', async () => {
    for (const model of [resnet18({ width: 2 }), vit({ patch: 8, width: 12, depth: 1 })]) {
      const weights = weightsOf(model);
      const { logits } = await runGraph(evaluationGraph(model, batchSize).graph, {
        ...stateFeeds(weights),
        ...batch,
      });
      const { graph } = inferenceGraph(model, batchSize);
      const pixels = {
        images: batch.images,
        'standardize/mean': batch.mean,
        'standardize/deviation': batch.deviation,
      };
      assert.deepEqual(
        graph.inputs.map(({ name }) => name).sort(),
        Object.keys({ ...weights, ...pixels }).sort(),
      );
      const alone = await runGraph(graph, { ...weights, ...pixels });
      assertWithin(toNumbers(alone.logits), toNumbers(logits), 1e-5, model.name);
    }
  });
});
