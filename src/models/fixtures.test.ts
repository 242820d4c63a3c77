/**
 * Tiny members of families of models, exported by both of PyTorch's exporters, against what PyTorch computes of them in
 * float64. `scripts/models/fixtures.py` makes the files; the matrix of docs/models.md is the same for whole models.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { compile } from '../engine/compile.js';
import type { Graph } from '../graph/graph.js';
import { stateName } from '../graph/state-names.js';
import { sgd } from '../optim/sgd.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { initialWeights } from '../train/initial-state.js';
import { gradientGraph, trainingGraph } from '../train/training-graph.js';
import { modelFromOnnx } from './file-model.js';

const folder = new URL('../../src/models/fixtures/', import.meta.url);
const names = readdirSync(folder).flatMap((name) => (name.endsWith('.onnx') ? [name.slice(0, -5)] : []));

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const program = await compile(graph, { threads: 1 });
  const results = await program.run(feeds);
  await program.release();
  return results;
}

const norm = (values: readonly number[]): number => Math.hypot(...values);

test('there are files of several families, by both exporters, for training and inference', () => {
  const parts = names.map((name) => name.split('.'));
  assert.ok(new Set(parts.map(([family]) => family)).size >= 5);
  assert.deepEqual(new Set(parts.map(([, exporter]) => exporter)), new Set(['torchscript', 'dynamo']));
  assert.deepEqual(new Set(parts.map(([, , mode]) => mode)), new Set(['training', 'inference']));
});

for (const name of names) {
  test(`${name}: outputs, loss, every gradient, running statistics and TrAct's gradient are PyTorch's`, async () => {
    const bytes = (ending: string): Uint8Array => readFileSync(new URL(`${name}.${ending}`, folder));
    const model = modelFromOnnx(bytes('onnx'));
    const { tensors } = fromSafetensors(bytes('safetensors'));
    const batchSize = tensors.images.shape[0];
    const rate = 1000;
    const options = { batchSize, optimizer: sgd({ learningRate: rate }) };
    const traced = gradientGraph(model, options);
    const weights = initialWeights(traced, 0);
    const feeds = {
      ...Object.fromEntries(Object.entries(weights).map(([key, value]) => [stateName(key), value])),
      images: tensors.images,
      labels: tensors.labels,
      mean: tensor('float32', [3], [0.5, 0.5, 0.5]),
      deviation: tensor('float32', [3], [0.25, 0.25, 0.25]),
      learning_rate: tensor('float32', [], [rate]),
      step: tensor('float64', [], [1]),
    };
    traced.graph.output('logits', traced.logits);
    const found = await run(traced.graph, feeds);
    assertWithin(toNumbers(found.logits), toNumbers(tensors.logits), 1e-4, 'outputs');
    assertWithin(toNumbers(found['sum/loss']), toNumbers(tensors.losses).slice(0, 1), 1e-4, 'loss');

    // Every tensor of the file that PyTorch has a parameter for; gradients that are rounding are compared with the largest.
    const known = [...traced.parameters.keys()].filter((key) => Object.hasOwn(tensors, `gradient/${key}`));
    assert.ok(known.length > 0.8 * traced.parameters.size, `${known.length} of ${traced.parameters.size}`);
    const scale = Math.max(...known.map((key) => norm(toNumbers(tensors[`gradient/${key}`]))));
    for (const key of known) {
      const wanted = toNumbers(tensors[`gradient/${key}`]);
      const own = toNumbers(found[`sum/gradient/${key}`]);
      const error = norm(own.map((x, i) => x - wanted[i])) / Math.max(norm(wanted), 1e-4 * scale);
      assert.ok(error < 1e-3, `gradient of ${key}: ${error}`);
    }

    const given = tract(model);
    const results = await run(trainingGraph(given, options).graph, feeds);
    for (const key of Object.keys(tensors).filter((entry) => entry.startsWith('statistics/'))) {
      const next = results[`next/${key.slice('statistics/'.length)}`];
      assertWithin(toNumbers(next), toNumbers(tensors[key]), 1e-4, key);
    }
    const [wanted] = Object.keys(tensors).filter((entry) => entry.startsWith('tract/'));
    const weight = wanted.slice('tract/'.length);
    assert.deepEqual(given.transforms[0].config.weights, [weight]);
    const before = toNumbers(weights[weight]);
    const gradient = toNumbers(results[`next/${weight}`]).map((next, i) => (before[i] - next) / rate);
    assertWithin(gradient, toNumbers(tensors[wanted]), 1e-3, "TrAct's gradient");
  });
}
