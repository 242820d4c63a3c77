/**
 * Tiny members of families of models, exported by both of PyTorch's exporters, against what PyTorch computes of them in
 * float64. `scripts/models/fixtures.py` makes the files; the matrix of docs/models.md is the same for whole models.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { compile } from '../engine/compile.js';
import { Program } from '../engine/session.js';
import type { Graph } from '../graph/graph.js';
import { stateName } from '../graph/state-names.js';
import { sgd } from '../optim/sgd.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import { type Tensor, tensor, toNumbers, transposedMatrix } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { initialWeights } from '../train/initial-state.js';
import { exportFileModel } from '../train/export-file.js';
import { trainingGraph } from '../train/training-graph.js';
import type { FileModel } from './file-model-options.js';
import { modelFromOnnx } from './file-model.js';

const folder = new URL('../../src/models/fixtures/', import.meta.url);
const names = readdirSync(folder).flatMap((name) => (name.endsWith('.onnx') ? [name.slice(0, -5)] : []));

async function run(
  graph: Graph | Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const options = { threads: 1 };
  const program = await (graph instanceof Uint8Array
    ? Program.load(graph, { provider: 'cpu', ...options })
    : compile(graph, options));
  const results = await program.run(feeds);
  await program.release();
  return results;
}

const norm = (values: readonly number[]): number => Math.hypot(...values);

/** The entries of a file whose names have a prefix, without it. */
const entriesOf = (tensors: Readonly<Record<string, Tensor>>, prefix: string): [string, number[]][] =>
  Object.entries(tensors).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), toNumbers(value)]] : [],
  );

/** Tensors that PyTorch gave the file's names and shapes, under the names and in the shapes of the model's parameters. */
function asInModel(
  tensors: Readonly<Record<string, Tensor>>,
  { file }: FileModel,
): Readonly<Record<string, Tensor>> {
  const given = new Map([...file.inFile].map(([name, own]) => [own.name, { ...own, name }]));
  return Object.fromEntries(
    Object.entries(tensors).map(([key, value]) => {
      const [, kind, name] = /^(gradient|tract)\/(.*)$/.exec(key) ?? [];
      const own = given.get(name);
      if (!own) return [key, value];
      return [`${kind}/${own.name}`, own.transposed ? transposedMatrix(value) : value];
    }),
  );
}

test('there are files of many families, by both exporters, for training and inference', () => {
  const parts = names.map((name) => name.split('.'));
  assert.ok(new Set(parts.map(([family]) => family)).size >= 48);
  assert.deepEqual(new Set(parts.map(([, exporter]) => exporter)), new Set(['torchscript', 'dynamo']));
  assert.deepEqual(new Set(parts.map(([, , mode]) => mode)), new Set(['training', 'inference']));
});

/** So large that a weight is rounding beside the change that a step makes of it. */
const RATE = 10_000;

for (const name of names) {
  test(`${name}: loss, every gradient, running statistics and the outputs of what is given back are PyTorch's`, async () => {
    const bytes = (ending: string): Uint8Array => readFileSync(new URL(`${name}.${ending}`, folder));
    const model = modelFromOnnx(bytes('onnx'));
    const tensors = asInModel(fromSafetensors(bytes('safetensors')).tensors, model);
    // There is none where the first layer's weights are computed of its parameters.
    const [first, transformed] = entriesOf(tensors, 'tract/').at(0) ?? [];
    const given = first === undefined ? model : tract(model, { layer: first.replace(/\.weight$/, '') });
    const optimizer = sgd({ learningRate: RATE });
    const traced = trainingGraph(given, { batchSize: tensors.images.shape[0], optimizer });
    const weights = initialWeights(traced, 0);
    const found = await run(traced.graph, {
      ...Object.fromEntries(Object.entries(weights).map(([key, value]) => [stateName(key), value])),
      images: tensors.images,
      labels: tensors.labels,
      mean: tensor('float32', [3], [0.5, 0.5, 0.5]),
      deviation: tensor('float32', [3], [0.25, 0.25, 0.25]),
      learning_rate: tensor('float32', [], [RATE]),
      step: tensor('float64', [], [1]),
    });
    assertWithin(toNumbers(found.loss), toNumbers(tensors.losses).slice(0, 1), 1e-4, 'loss');

    // Every tensor of the file that PyTorch has a parameter for; gradients that are rounding are compared with the largest.
    const gradients = entriesOf(tensors, 'gradient/').filter(([key]) => traced.parameters.has(key));
    assert.ok(
      gradients.length > 0.8 * traced.parameters.size,
      `${gradients.length} of ${traced.parameters.size}`,
    );
    const scale = Math.max(...gradients.map(([, wanted]) => norm(wanted)));
    for (const [key, plain] of gradients) {
      const wanted = key === first ? transformed! : plain;
      const before = toNumbers(weights[key]);
      const own = toNumbers(found[`next/${key}`]).map((next, i) => (before[i] - next) / RATE);
      const error = norm(own.map((x, i) => x - wanted[i])) / Math.max(norm(wanted), 1e-4 * scale);
      assert.ok(error < 1e-3, `gradient of ${key}: ${error}`);
    }
    for (const [key, wanted] of entriesOf(tensors, 'statistics/'))
      assertWithin(toNumbers(found[`next/${key}`]), wanted, 1e-4, key);

    const standardization = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
    const { images } = tensors;
    const pixels = Float32Array.from(images.data as Uint8Array, (byte) => (byte / 255 - 0.5) / 0.25);
    const { input, output } = model.file;
    const results = await run(exportFileModel(model, { weights, standardization }), {
      [input.name]: tensor('float32', images.shape, pixels),
    });
    assertWithin(toNumbers(results[output.name]), toNumbers(tensors.logits), 1e-4, 'outputs');
  });
}
