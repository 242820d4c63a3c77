/**
 * Tiny members of families of models, exported by both of PyTorch's exporters and by Keras's, against what PyTorch (TensorFlow) computes of them in
 * float64. `scripts/models/fixtures.py` makes the files; the matrix of docs/models.md is the same for whole models.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { compile } from '../engine/compile.js';
import { Program } from '../engine/session.js';
import { stateName } from '../graph/state-names.js';
import { sgd } from '../optim/sgd.js';
import type { Trainable } from '../optim/trainable.js';
import type { GradientTransform } from '../optim/transform.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import { type Shape, type Tensor, tensor, toNumbers, transposedMatrix } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { initialWeights } from '../train/initial-state.js';
import { exportFileModel } from '../train/export-file.js';
import { trainingGraph } from '../train/training-graph.js';
import type { FileModel } from './file-model-options.js';
import { modelFromOnnx } from './file-model.js';

const folder = new URL('../../src/models/fixtures/', import.meta.url);
const names = readdirSync(folder).flatMap((name) => (name.endsWith('.onnx') ? [name.slice(0, -5)] : []));

const norm = (values: readonly number[]): number => Math.hypot(...values);

/** The tensors whose names have a prefix, without it. */
const entries = (tensors: Readonly<Record<string, Tensor>>, prefix: string): [string, Tensor][] =>
  Object.entries(tensors).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
  );

const entriesOf = (tensors: Readonly<Record<string, Tensor>>, prefix: string): [string, number[]][] =>
  entries(tensors, prefix).map(([name, value]) => [name, toNumbers(value)]);

/** Pixels of [N, C, H, W] as [N, H, W, C]. */
function channelsLast(pixels: Float32Array, [count, channels, height, width]: Shape): Float32Array {
  const size = height * width;
  return Float32Array.from({ length: count * size * channels }, (_, i) => {
    const [image, position, channel] = [
      Math.floor(i / (size * channels)),
      Math.floor(i / channels) % size,
      i % channels,
    ];
    return pixels[(image * channels + channel) * size + position];
  });
}

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

test('there are files of many families, by all exporters, for training and inference', () => {
  const parts = names.map((name) => name.split('.'));
  assert.ok(new Set(parts.map(([family]) => family)).size >= 61);
  assert.deepEqual(
    new Set(parts.map(([, exporter]) => exporter)),
    new Set(['torchscript', 'dynamo', 'tf2onnx']),
  );
  assert.deepEqual(new Set(parts.map(([, , mode]) => mode)), new Set(['training', 'inference']));
});

/** What takes plain steps, and gives the gradient of the layer that TrAct is for as an output. */
function withTractBeside({ model, transforms }: Trainable): Trainable {
  const beside = (transform: GradientTransform): GradientTransform => ({
    ...transform,
    apply(gradients, context) {
      for (const [name, value] of transform.apply(gradients, context).gradients)
        if (value !== gradients.get(name)) value.graph.output(`tract/${name}`, value);
      return { gradients };
    },
  });
  return { model, transforms: transforms.map(beside) };
}

/** So large that a weight is rounding beside the change that a step makes of it. */
const LARGE_RATE = 10_000;

/** The learning rate of five steps, where a file does not say another one. */
const RATE = 1e-3;

for (const name of names) {
  test(`${name}: losses, every gradient, running statistics and the outputs of what is given back are PyTorch's`, async () => {
    const bytes = (ending: string): Uint8Array => readFileSync(new URL(`${name}.${ending}`, folder));
    const model = modelFromOnnx(bytes('onnx'));
    const tensors = asInModel(fromSafetensors(bytes('safetensors')).tensors, model);
    const { images, labels } = tensors;
    // There is none where the first layer's weights are computed of its parameters.
    const transformed = entriesOf(tensors, 'tract/').at(0);
    const layer = transformed?.[0].replace(/\.weight$/, '');
    const given = layer === undefined ? model : withTractBeside(tract(model, { layer }));
    const traced = trainingGraph(given, {
      batchSize: images.shape[0],
      optimizer: sgd({ learningRate: LARGE_RATE }),
    });
    const weights = initialWeights(traced, 0);
    const program = await compile(traced.graph, { threads: 1 });
    const step = (state: Readonly<Record<string, Tensor>>, rate: number): ReturnType<typeof program.run> =>
      program.run({
        ...Object.fromEntries(Object.entries(state).map(([key, value]) => [stateName(key), value])),
        images,
        labels,
        mean: tensor('float32', [3], [0.5, 0.5, 0.5]),
        deviation: tensor('float32', [3], [0.25, 0.25, 0.25]),
        learning_rate: tensor('float32', [], [rate]),
        step: tensor('float64', [], [1]),
      });
    const found = await step(weights, LARGE_RATE);

    // Every tensor of the file that PyTorch has a parameter for; gradients that are rounding are compared with the largest.
    const gradients = entriesOf(tensors, 'gradient/').filter(([key]) => traced.parameters.has(key));
    assert.ok(
      gradients.length > 0.8 * traced.parameters.size,
      `${gradients.length} of ${traced.parameters.size}`,
    );
    const scale = Math.max(...gradients.map(([, wanted]) => norm(wanted)));
    const compare = (own: readonly number[], wanted: readonly number[], what: string): void => {
      const error = norm(own.map((x, i) => x - wanted[i])) / Math.max(norm(wanted), 1e-4 * scale);
      assert.ok(error < 1e-3, `${what}: ${error}`);
    };
    for (const [key, wanted] of gradients) {
      const before = toNumbers(weights[key]);
      const own = toNumbers(found[`next/${key}`]).map((next, i) => (before[i] - next) / LARGE_RATE);
      compare(own, wanted, `gradient of ${key}`);
    }
    if (transformed)
      compare(toNumbers(found[`tract/${transformed[0]}`]), transformed[1], `TrAct of ${transformed[0]}`);
    for (const [key, wanted] of entriesOf(tensors, 'statistics/'))
      assertWithin(toNumbers(found[`next/${key}`]), wanted, 1e-4, key);

    // Five steps, in which what is no parameter of PyTorch's stays as it is.
    const rate = 'rate' in tensors ? toNumbers(tensors.rate)[0] : RATE;
    const fixed = [...traced.parameters.keys()].filter((key) => !gradients.some(([known]) => known === key));
    const kept = Object.fromEntries(fixed.map((key) => [key, weights[key]]));
    const wanted = toNumbers(tensors.losses);
    let state = weights;
    const losses: number[] = [];
    for (let i = 0; i < wanted.length; i++) {
      const results = await step(state, rate);
      losses.push(...toNumbers(results.loss));
      state = { ...Object.fromEntries(entries(results, 'next/')), ...kept };
    }
    await program.release();
    assert.equal(losses.length, 5);
    assertWithin(losses.slice(0, 1), wanted.slice(0, 1), 1e-4, 'loss');
    assertWithin(losses, wanted, 1e-3, 'losses');
    // Of a loss that hardly moves it would be no comparison of steps.
    const changes = (all: readonly number[]): number[] => all.slice(1).map((loss) => loss - all[0]);
    assertWithin(changes(losses), changes(wanted), 1e-2, 'changes of the loss');

    const pixels = Float32Array.from(images.data as Uint8Array, (byte) => (byte / 255 - 0.5) / 0.25);
    const { input, output, layout } = model.file;
    const [count, channels, height, width] = images.shape;
    const standardized =
      layout === 'NCHW'
        ? tensor('float32', images.shape, pixels)
        : tensor('float32', [count, height, width, channels], channelsLast(pixels, images.shape));
    const standardization = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
    const file = await Program.load(exportFileModel(model, { weights, standardization }), {
      provider: 'cpu',
      threads: 1,
    });
    const results = await file.run({ [input.name]: standardized });
    await file.release();
    assertWithin(toNumbers(results[output.name]), toNumbers(tensors.logits), 1e-4, 'outputs');
  });
}
