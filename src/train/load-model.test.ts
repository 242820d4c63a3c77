/** Models out of files, trained: the loop, checkpoints and files know nothing of where they came from. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GraphError } from '../graph/graph.js';
import { TensorProtoSchema, TensorProto_DataLocation as DataLocation } from '../graph/onnx_pb.js';
import { shapes } from '../data/shapes.js';
import { sgd } from '../optim/sgd.js';
import { Random } from '../random/random.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { temporaryFolder } from '../testing/command.js';
import { assertWithin } from '../testing/distance.js';
import { normalTensor, runFile } from '../testing/file-runs.js';
import { HeadError } from '../models/file-head.js';
import { resnet18 } from '../models/resnet.js';
import { type OnnxFile, float, node, onnxFile } from '../fuzz/onnx-file.js';
import { tract } from '../tract/tract.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { saveRun } from './callbacks/save-run.js';
import { describeRun } from './run-config.js';
import { exportFileModel } from './export-file.js';
import { exportOnnx } from './export.js';
import { loadModel } from './load-model.js';
import { Trainer } from './trainer.js';

const network = (parts: Partial<OnnxFile> = {}): OnnxFile => ({
  inputs: [{ name: 'image', shape: ['n', 3, 32, 32] }],
  outputs: [{ name: 'scores', shape: ['n', 10] }],
  initializers: {
    flat: tensor('int64', [2], [0, -1]),
    'first weights': normalTensor([192, 12], 1, 0.1),
    half: tensor('float32', [], [0.5]),
    yes: tensor('bool', [], [1]),
    'fc.weight': normalTensor([10, 12], 5),
  },
  nodes: [
    node('MaxPool', ['image'], ['small'], { kernel_shape: [4, 4], strides: [4, 4] }),
    node('Reshape', ['small', 'flat'], ['x']),
    node('MatMul', ['x', 'first weights'], ['z']),
    node('Relu', ['z'], ['r']),
    node('Dropout', ['r', 'half', 'yes'], ['a']),
    node('Dropout', ['a', 'half', 'yes'], ['b']),
    node('Gemm', ['b', 'fc.weight'], ['scores'], { transB: 1, alpha: float(1) }),
  ],
  ...parts,
});

const pixels = (seed: number): Uint8Array => {
  const random = Random.fromSeed(seed);
  return new Uint8Array(8 * 3 * 32 * 32).map(() => random.integer(256));
};
const labels = [0, 1, 2, 3, 4, 5, 6, 7];
const options = {
  optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
  batchSize: 8,
  threads: 1,
  standardization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
};

/** The losses of steps, each on pixels of its own. */
async function losses(trainer: Trainer, steps: readonly number[]): Promise<number[]> {
  const found: number[] = [];
  for (const step of steps) found.push((await trainer.step({ images: pixels(step), labels })).loss);
  return found;
}

test('a run with dropout goes on to the bits of one that was not stopped, and every seed drops other ones', async () => {
  const model = await loadModel(onnxFile(network()));
  const straight = await Trainer.create(model, options);
  const wanted = await losses(straight, [1, 2, 3, 4]);
  const stopped = await Trainer.create(model, options);
  await losses(stopped, [1, 2]);
  const dataset = shapes({ train: 16, test: 8 });
  const config = describeRun(stopped.trainable, options, dataset, { epochs: 9 });
  const bytes = toCheckpoint({
    config,
    state: { ...(await stopped.state()), progress: { ...stopped.progress, epoch: 0 } },
  });
  const resumed = await restoreTrainer(fromCheckpoint(bytes), { model, threads: 1 });
  assert.deepEqual(await losses(resumed, [3, 4]), wanted.slice(2));
  const other = await Trainer.create(model, { ...options, seed: 1 });
  const [first] = await losses(other, [1]);
  assert.notEqual(first, wanted[0]);
  const sharded = await Trainer.create(model, { ...options, shards: 2 });
  assert.ok((await losses(sharded, [1, 2, 3])).every(Number.isFinite));
  for (const trainer of [straight, stopped, resumed, other, sharded]) await trainer.release();
});

test('a run in a folder keeps the file: a classifier finds it there', async () => {
  const folder = join(temporaryFolder(), 'run');
  const model = await loadModel(onnxFile(network()));
  const dataset = shapes({ train: 16, test: 8 });
  const trainer = await Trainer.create(model, options);
  await losses(trainer, [1]);
  await saveRun(trainer, folder, { dataset });
  const images = pixels(5);
  const wanted = await trainer.predict(images);
  await trainer.release();
  const classifier = await Classifier.load(folder, { threads: 1 });
  assert.deepEqual((await classifier.logits(images)).data, wanted.data);
  await classifier.release();
});

test('TrAct trains a first layer whose weights are transposed as it trains one whose are not', async () => {
  const before = network().nodes.slice(0, 2);
  const weights = normalTensor([192, 12], 1, 0.1);
  const turned = tensor(
    'float32',
    [12, 192],
    Float32Array.from(
      { length: weights.data.length },
      (_, i) => weights.data[(i % 192) * 12 + Math.floor(i / 192)],
    ),
  );
  const layer = (nodes: OnnxFile['nodes'], own: OnnxFile['initializers']): Uint8Array =>
    onnxFile(
      network({
        initializers: { ...network().initializers, ...own },
        nodes: [
          ...before,
          ...nodes,
          node('Relu', ['z'], ['r']),
          node('Gemm', ['r', 'fc.weight'], ['scores'], { transB: 1 }),
        ],
      }),
    );
  const columns = layer([node('MatMul', ['x', 'first weights'], ['z'])], { 'first weights': weights });
  const rows = layer([node('Gemm', ['x', 'first weights'], ['z'], { transB: 1 })], {
    'first weights': turned,
  });
  const found: number[][] = [];
  for (const file of [columns, rows]) {
    const trainer = await Trainer.create(tract(await loadModel(file), { layer: 'first weights' }), options);
    found.push(await losses(trainer, [1, 2, 3]));
    await trainer.release();
  }
  const [a, b] = found;
  a.forEach((loss, i) => {
    assert.ok(Math.abs(loss - b[i]) < 1e-5 * loss, `${loss} and ${b[i]}`);
  });
  const vanilla = await Trainer.create(await loadModel(columns), options);
  assert.notEqual((await losses(vanilla, [1, 2]))[1], a[1]);
  await vanilla.release();
});

async function learnedBy(trainer: Trainer) {
  const { tensors, weightNames } = await trainer.state();
  const weights = Object.fromEntries(weightNames.map((name) => [name, tensors[name]]));
  return { weights, standardization: trainer.standardization! };
}

test('a file that takes bytes, as a built-in model is exported, is trained with its own standardisation, and given back', async () => {
  const builtIn = resnet18({ width: 2 });
  const trainer = await Trainer.create(builtIn, options);
  await losses(trainer, [1]);
  const learned = await learnedBy(trainer);
  const wanted = await trainer.predict(pixels(3));
  const file = exportOnnx(builtIn, learned);
  await trainer.release();
  const model = await loadModel(file);
  assert.deepEqual(model.file.standardization, options.standardization);
  const { standardization, ...others } = options;
  const again = await Trainer.create(model, others);
  const data = shapes({ train: 16, test: 8 });
  await again.evaluate(data);
  assert.deepEqual(again.standardization, standardization);
  assert.deepEqual([...(await again.state()).weightNames].sort(), Object.keys(learned.weights).sort());
  const own = await again.predict(pixels(3));
  assertWithin(toNumbers(own), toNumbers(wanted), 1e-5, 'logits');
  const back = exportFileModel(model, await learnedBy(again));
  await again.release();
  const images = tensor('uint8', [8, 3, 32, 32], pixels(3));
  assertWithin(
    toNumbers(await runFile(back, { images }, 'logits')),
    toNumbers(wanted),
    1e-5,
    'logits of the file',
  );
  assert.deepEqual((await loadModel(back)).file.standardization, standardization);
});

test('a file for two images that does not tell them from its two tokens is refused, and not trained with images mixed', async () => {
  const file = (images: number, tokens: number): Uint8Array =>
    onnxFile({
      inputs: [{ name: 'image', shape: [images, 3, 8, 4 * tokens] }],
      outputs: [{ name: 'scores', shape: [images, 10] }],
      initializers: {
        'first.weight': normalTensor([6, 3, 8, 4], 1, 0.1),
        'inner.weight': normalTensor([6, 6], 2),
        'fc.weight': normalTensor([10, 6], 3),
        flat: tensor('int64', [3], [images, 6, tokens]),
        rows: tensor('int64', [2], [tokens * images, 6]),
        sequence: tensor('int64', [3], [tokens, images, 6]),
        first: tensor('int64', [], [0]),
        axis: tensor('int64', [1], [0]),
      },
      nodes: [
        node('Conv', ['image', 'first.weight'], ['z'], { strides: [8, 4] }),
        node('Reshape', ['z', 'flat'], ['t']),
        node('Transpose', ['t'], ['sequence first'], { perm: [2, 0, 1] }),
        node('Reshape', ['sequence first', 'rows'], ['r']),
        node('MatMul', ['r', 'inner.weight'], ['m']),
        node('Reshape', ['m', 'sequence'], ['s']),
        node('CumSum', ['s', 'first'], ['sums']),
        node('Tanh', ['sums'], ['bounded']),
        node('ReduceMean', ['bounded', 'axis'], ['pooled'], { keepdims: 0 }),
        node('Gemm', ['pooled', 'fc.weight'], ['scores'], { transB: 1 }),
      ],
    });
  assert.equal((await loadModel(file(2, 3))).file.batchSize, 2);
  await assert.rejects(
    loadModel(file(2, 2)),
    (error) =>
      error instanceof GraphError && /made for 2 images at once.*dynamic_axes=\{'image'/.test(error.message),
  );
  // A small file may claim to be for images that nobody has memory for.
  const huge = network({
    inputs: [{ name: 'image', shape: [1, 3, 60_000, 60_000] }],
    initializers: { weight: normalTensor([10, 3], 1), axes: tensor('int64', [2], [2, 3]) },
    nodes: [
      node('ReduceMean', ['image', 'axes'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'weight'], ['scores'], { transB: 1 }),
    ],
  });
  await assert.rejects(
    loadModel(onnxFile(huge)),
    (error) => error instanceof GraphError && /to try it with 3 images takes 130 GB/.test(error.message),
  );
});

test('tensors beside the file are read from its folder alone, and no further than they go', async () => {
  const folder = temporaryFolder();
  const inner = join(folder, 'model');
  mkdirSync(inner);
  const weight = normalTensor([10, 12], 5);
  writeFileSync(join(inner, 'weights.bin'), new Uint8Array(weight.data.buffer));
  writeFileSync(join(folder, 'secret.bin'), new Uint8Array(weight.data.buffer));
  symlinkSync(join(folder, 'secret.bin'), join(inner, 'link.bin'));
  const others = Object.fromEntries(
    Object.entries(network().initializers!).filter(([name]) => name !== 'fc.weight'),
  );
  const load = async (entries: Readonly<Record<string, string>>) => {
    const path = join(inner, 'model.onnx');
    const tensors = [
      create(TensorProtoSchema, {
        name: 'fc.weight',
        dims: [10n, 12n],
        dataType: 1,
        dataLocation: DataLocation.EXTERNAL,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      }),
    ];
    writeFileSync(path, onnxFile(network({ initializers: others, tensors })));
    return loadModel(path);
  };
  const model = await load({ location: 'weights.bin', offset: '0', length: '480' });
  assert.equal(model.classes, 10);
  const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ location: 'none.bin' }, /"none\.bin", which cannot be read/],
    [{ location: '../secret.bin' }, /"\.\.\/secret\.bin", which is not in its folder/],
    [{ location: join(folder, 'secret.bin') }, /which is not in its folder/],
    [{ location: 'link.bin' }, /which is not in its folder/],
    [{ location: 'weights.bin', offset: '4' }, /up to byte 484, but it has 480/],
    [{ location: 'weights.bin', offset: '-4' }, /the offset "-4"/],
    [{ location: 'weights.bin', length: '4' }, /needs 480 bytes.*says that it has 4/],
    [{}, /does not say where/],
  ];
  for (const [entries, message] of refused)
    await assert.rejects(
      load(entries),
      (error) => error instanceof GraphError && message.test(error.message),
    );
  await assert.rejects(
    loadModel(
      onnxFile(
        network({
          initializers: others,
          tensors: [
            create(TensorProtoSchema, {
              name: 'fc.weight',
              dims: [10n, 12n],
              dataType: 1,
              dataLocation: DataLocation.EXTERNAL,
              externalData: [{ key: 'location', value: 'weights.bin' }],
            }),
          ],
        }),
      ),
    ),
    /give the bytes of that file too/,
  );
});

test('classes that the file names are those of the data, in their order, unless the head is new', async () => {
  const dataset = shapes({ train: 16, test: 16 });
  const names = dataset.classNames;
  const start = async (classNames: readonly string[], head?: string): Promise<void> => {
    const file = onnxFile(network({ metadata: { class_names: JSON.stringify(classNames) } }));
    const model = await loadModel(file, head === undefined ? {} : { head });
    const trainer = await Trainer.create(model, { batchSize: 8, optimizer: sgd({ learningRate: 0.1 }) });
    try {
      await trainer.evaluate(dataset);
      await trainer.fit(dataset, { epochs: 1, maxSteps: 1 });
    } finally {
      await trainer.release();
    }
  };
  await start(names);
  // Metadata of another number of classes is of other logits.
  await start(names.slice(1));
  const reversed = names.toReversed();
  await assert.rejects(start(reversed), (error: Error) => {
    assert.ok(error instanceof HeadError);
    assert.match(
      error.message,
      /has the same classes in another order than the file of the model names: class 0/,
    );
    assert.ok(error.message.endsWith('name the head for a new one: fc.weight'));
    return true;
  });
  await assert.rejects(start(names.with(3, 'cat')), /has other classes .* class 3 is "\w+", not "cat"/);
  await start(reversed, 'fc');
});
