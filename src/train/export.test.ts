import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { shapes } from '../data/shapes.js';
import { Program } from '../engine/session.js';
import { GraphError } from '../graph/graph.js';
import { type GraphProto, ModelProtoSchema, type ValueInfoProto } from '../graph/onnx_pb.js';
import * as op from '../graph/ops.js';
import { createVariantModel } from '../compare/variant.js';
import { createModel } from '../models/registry.js';
import type { ConfigValue, Model } from '../nn/model.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { customModel } from '../testing/models.js';
import type { LearnedState } from './evaluator.js';
import { exportOnnx } from './export.js';
import { modelTensors } from './step-graph.js';

const { test, mean, deviation } = shapes({ train: 1, test: 128 });

/** Weights of ordinary sizes, and statistics that are none of the initial ones. */
function learnedBy(model: Model): LearnedState {
  const random = Random.fromSeed(0, model.name);
  const weights = Object.fromEntries(
    Object.entries(modelTensors(model)).map(([name, { shape }]): [string, Tensor] => {
      const scale = shape.length > 1 ? Math.sqrt(2 / elementCount(shape.slice(1))) : 0.2;
      const draw = (): number =>
        name.endsWith('running_var') ? 0.5 + random.uniform() : scale * random.normal();
      return [name, tensor('float32', shape, Array.from({ length: elementCount(shape) }, draw))];
    }),
  );
  return { weights, standardization: { mean, deviation } };
}

function graphOf(bytes: Uint8Array): GraphProto {
  return fromBinary(ModelProtoSchema, bytes).graph!;
}

function dimensions({ type }: ValueInfoProto): unknown[] {
  assert.ok(type?.value.case === 'tensorType');
  return type.value.value.shape!.dim.map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : value.value,
  );
}

async function logits(
  bytes: Uint8Array,
  { imageShape }: Model,
  batchSizes: readonly number[],
): Promise<Tensor[]> {
  const program = await Program.load(bytes, { provider: 'cpu', threads: 1 });
  try {
    const results: Tensor[] = [];
    for (const batchSize of batchSizes) {
      const pixels = new Uint8Array(test.images.subarray(0, batchSize * elementCount(imageShape)));
      results.push(
        (await program.run({ images: tensor('uint8', [batchSize, ...imageShape], pixels) })).logits,
      );
    }
    return results;
  } finally {
    await program.release();
  }
}

const cases: [string, Record<string, ConfigValue>][] = [
  ['resnet18', { width: 4 }],
  ['resnet34', { width: 2, stem: 'imagenet', imageSize: 32 }],
  ['resnet50+patch-norm', { width: 2 }],
  ['resnet18+whitening', { width: 2 }],
  ['vit', { width: 24, depth: 2, heads: 3, patch: 8 }],
  ['vit', { width: 12, depth: 1, patch: 8, classToken: false }],
  ['vit+dual-patch-norm', { width: 12, depth: 1, patch: 8 }],
  ['vit+patch-norm', { width: 12, depth: 1, patch: 8 }],
  ['vit+whitening', { width: 12, depth: 1, patch: 8 }],
  ['vit-tiny', { width: 12, depth: 1, imageSize: 32, patch: 8 }],
  ['vit-small', { width: 12, depth: 1, imageSize: 32, patch: 8, heads: 2 }],
  ['vit-base', { width: 12, depth: 1, imageSize: 32, patch: 8, heads: 2 }],
  ['mlp', { width: 16 }],
];

describe('a model exported for any number of images', () => {
  for (const [name, config] of cases) {
    it(`computes what it computes for a certain number: ${name} ${JSON.stringify(config)}`, async () => {
      const model = createVariantModel(name, config);
      const learned = learnedBy(model);
      const bytes = exportOnnx(model, learned);
      const { input, output } = graphOf(bytes);
      assert.deepEqual(
        input.map(({ name: of }) => of),
        ['images'],
      );
      assert.deepEqual(dimensions(input[0]), ['N', 3, 32, 32]);
      assert.deepEqual(dimensions(output[0]), ['N', 10]);
      const sizes = [1, 3, 128];
      const open = await logits(bytes, model, sizes);
      for (const [i, batchSize] of sizes.entries()) {
        const fixedBytes = exportOnnx(model, learned, { batchSize });
        assert.deepEqual(dimensions(graphOf(fixedBytes).input[0]), [batchSize, 3, 32, 32]);
        const [fixed] = await logits(fixedBytes, model, [batchSize]);
        assert.deepEqual(open[i].shape, [batchSize, 10]);
        const all = toNumbers(fixed);
        assert.ok(Math.max(...all) > Math.min(...all) && all.every(Number.isFinite));
        assertWithin(toNumbers(open[i]), all, 1e-6, `logits of ${batchSize} images`);
      }
    });
  }

  it('is possible for every model there is, at its own size', () => {
    for (const [name] of cases) {
      const model = createVariantModel(name, name.startsWith('vit') ? { depth: 1 } : {});
      const weights = Object.fromEntries(
        Object.entries(modelTensors(model)).map(([key, { shape }]) => [key, emptyTensor(shape)]),
      );
      const { input } = graphOf(exportOnnx(model, { weights, standardization: { mean, deviation } }));
      assert.deepEqual(dimensions(input[0]), ['N', ...model.imageShape]);
    }
  });

  it('is refused where a model is another for each number of images', () => {
    const models: Record<string, Parameters<typeof customModel>[0]> = {
      'a number of the batch in the arithmetic': (_, images) =>
        op.reduceMean(op.mul(images, 1 / images.shape[0]), [2, 3]),
      'a constant for each image': (_, images) =>
        op.reduceMean(
          op.add(
            images,
            images.graph.constant(
              tensor(
                'float32',
                [images.shape[0], 1, 1, 1],
                Array.from({ length: images.shape[0] }, (__, i) => i),
              ),
            ),
          ),
          [2, 3],
        ),
      'other nodes for some numbers': (_, images) =>
        op.reduceMean(images.shape[0] % 3 === 0 ? op.relu(images) : images, [2, 3]),
      'the last image': (_, images) =>
        op.reduceMean(
          op.add(images, op.slice(images, [{ axis: 0, start: images.shape[0] - 1, end: images.shape[0] }])),
          [2, 3],
        ),
      'a square of the batch': (_, images) => {
        const rows = op.reshape(images, [images.shape[0], -1]);
        const products = op.reshape(op.matMul(rows, op.matrixTranspose(rows)), [images.shape[0] ** 2, 1]);
        return op.add(op.reduceMean(images, [2, 3]), op.reduceMean(products, [0], true));
      },
    };
    for (const [what, forward] of Object.entries(models)) {
      const model: Model = { ...customModel(forward), classes: 2 };
      const learned = { weights: {}, standardization: { mean: [0, 0], deviation: [1, 1] } };
      assert.throws(
        () => exportOnnx(model, learned),
        (error) =>
          error instanceof GraphError && /any number of images.*for a certain number$/.test(error.message),
        what,
      );
      assert.ok(exportOnnx(model, learned, { batchSize: 4 }).length > 0);
    }
  });
});

/** Zeros that take no memory of their own: one buffer for all. */
const zeroes = new Float32Array(3072 * 1024);
function emptyTensor(shape: readonly number[]): Tensor {
  return { dtype: 'float32', shape, data: zeroes.subarray(0, elementCount(shape)) };
}

describe('an exported model', () => {
  it("carries its weights under PyTorch's names", () => {
    for (const name of ['resnet18', 'vit', 'mlp']) {
      const model = createModel(name, name === 'resnet18' ? { width: 4 } : { width: 12 });
      const learned = learnedBy(model);
      for (const options of [{}, { batchSize: 2 }]) {
        const { initializer, input } = graphOf(exportOnnx(model, learned, options));
        const named = new Map(initializer.map((proto) => [proto.name, proto]));
        assert.equal(input.length, 1);
        for (const [key, { shape, data }] of Object.entries(learned.weights)) {
          const proto = named.get(key);
          assert.deepEqual(proto?.dims.map(Number), shape, key);
          assert.ok(
            Buffer.from(proto.rawData).equals(Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
            key,
          );
          named.delete(key);
        }
        // Beside them the standardisation, shapes, and numbers such as the 255 of a pixel.
        assert.ok(named.delete('standardize/mean') && named.delete('standardize/deviation'));
        for (const [key, { dims }] of named) {
          assert.match(key, /^constant_/);
          assert.ok(elementCount(dims.map(Number)) <= 8, key);
        }
      }
    }
  });
});
