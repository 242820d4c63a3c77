import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as op from '../graph/ops.js';
import { conv2d, linear } from '../nn/layers.js';
import { Random } from '../random/random.js';
import { assertWithin } from '../testing/distance.js';
import { customModel } from '../testing/models.js';
import { tensor } from '../tensor/tensor.js';
import { tractGradient } from '../tract/reference.js';
import { activationUpdates, pixelStatistics } from './activation-update.js';
import { formatCorrelation, updateCorrelations, updateSentences } from './update-charts.js';

const SIZE = 2 * 8 * 8;
const CLASSES = 3;
const LAMBDA = 0.05;

/** Logits are a linear function of the pixels, so that all gradients are known. */
const classifier = customModel((scope, images) =>
  linear(
    scope.child('fc'),
    scope.build(() => op.reshape(images, [images.shape[0], SIZE])),
    CLASSES,
  ),
);

const convolution = customModel((scope, images) => {
  const z = conv2d(scope.child('conv'), images, 4, { kernelSize: 3, padding: 1, bias: false });
  const features = scope.build(() => op.reduceMean(op.relu(z), [2, 3]));
  return linear(scope.child('fc'), features, CLASSES);
});

/** Pixels as the model sees them: in [0, 1]. */
const standardization = { mean: [0, 0], deviation: [1, 1] };

function problem(count: number): { images: Uint8Array; labels: number[]; random: Random } {
  const random = Random.fromSeed(3);
  const images = Uint8Array.from({ length: count * SIZE }, () => random.integer(128));
  return { images, labels: Array.from({ length: count }, () => random.integer(CLASSES)), random };
}

const normals = (shape: number[], random: Random): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal(0, 0.2));

/** a [rows, inner] · b [inner, columns] */
function product(a: ArrayLike<number>, b: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const inner = a.length / rows;
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a[row * inner + k] * b[k * columns + column];
    return sum;
  });
}

const transposed = (a: ArrayLike<number>, rows: number): Float64Array => {
  const columns = a.length / rows;
  return Float64Array.from({ length: a.length }, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)]);
};

describe('how far an update moves images', () => {
  test('is ‖x ΔWᵀ‖, for a linear layer whose gradients are known', async () => {
    const count = 6;
    const { images, labels, random } = problem(count);
    const weight = normals([CLASSES, SIZE], random);
    const found = await activationUpdates({
      model: classifier,
      weights: {
        'fc.weight': tensor('float32', [CLASSES, SIZE], weight),
        'fc.bias': tensor('float32', [CLASSES], new Float32Array(CLASSES)),
      },
      standardization,
      images,
      labels,
      lambda: LAMBDA,
      threads: 1,
    });

    const x = Float64Array.from(images, (pixel) => pixel / 255);
    const logits = product(x, transposed(weight, CLASSES), count, CLASSES);
    const gradZ = logits.map((_, at) => {
      const image = Math.floor(at / CLASSES);
      const exponentials = logits.subarray(image * CLASSES, (image + 1) * CLASSES).map(Math.exp);
      const probability = exponentials[at % CLASSES] / exponentials.reduce((a, b) => a + b);
      return (probability - (labels[image] === at % CLASSES ? 1 : 0)) / count;
    });
    const moved = (change: ArrayLike<number>): number[] => {
      const z = product(x, transposed(change, CLASSES), count, CLASSES);
      return Array.from({ length: count }, (_, image) =>
        Math.hypot(...z.subarray(image * CLASSES, (image + 1) * CLASSES)),
      );
    };
    const tract = tractGradient({
      kind: 'linear',
      x: { shape: [count, SIZE], data: x },
      gradZ: { shape: [count, CLASSES], data: gradZ },
      lambda: LAMBDA,
    });
    assertWithin(found.vanilla, moved(product(transposed(gradZ, count), x, CLASSES, SIZE)), 1e-5, 'vanilla');
    assertWithin(found.tract, moved(tract.data), 1e-4, 'TrAct');
  });

  test('doubles with the pixels of an image, whatever the change of the weights', async () => {
    const { images, labels, random } = problem(5);
    images.set(
      images.subarray(0, SIZE).map((pixel) => 2 * pixel),
      SIZE,
    );
    const found = await activationUpdates({
      model: convolution,
      weights: {
        'conv.weight': tensor('float32', [4, 2, 3, 3], normals([4, 2, 3, 3], random)),
        'fc.weight': tensor('float32', [CLASSES, 4], normals([CLASSES, 4], random)),
        'fc.bias': tensor('float32', [CLASSES], new Float32Array(CLASSES)),
      },
      standardization,
      images,
      labels,
      threads: 1,
    });
    for (const moved of [found.vanilla, found.tract, found.random]) {
      assert.ok(moved[0] > 0);
      assertWithin([moved[1]], [2 * moved[0]], 1e-4, 'the brighter copy');
    }
  });

  describe('in words', () => {
    const images = 100;
    const each = (value: (i: number) => number): number[] =>
      Array.from({ length: images }, (_, i) => value(i));
    // Neither has to do with the other: contrast repeats itself, brightness goes from one end to the other.
    const contrast = each((i) => (i % 10) / 10);
    const brightness = each((i) => i / images);
    const zero = 0.5;
    const distance = brightness.map((value) => Math.abs(value - zero));
    const indifferent = each((i) => (Math.floor(i / 10) % 2) + 1);
    const base = { brightness, contrast, zero, vanilla: distance, tract: contrast, random: contrast };

    test('are its correlations', () => {
      const { vanilla, tract, random } = updateCorrelations(base);
      assertWithin(
        [vanilla.brightnessDistance, tract.contrast, random.contrast],
        [1, 1, 1],
        1e-12,
        'correlations',
      );
      assert.equal(formatCorrelation(-0.004), '0.00');
    });

    test('follow the correlations, whatever they are', () => {
      const [about, contrasts, explanation] = updateSentences(base);
      assert.match(
        about,
        /^How far an image is moved grows with the distance of its brightness from .* \(0\.50\) under vanilla training \(correlation 1\.00\) and hardly depends on it under TrAct \([^)]+\): it matters less under TrAct\./,
      );
      assert.match(
        contrasts,
        /moved hardly depends on its contrast under vanilla training \([^)]+\) and grows with it under TrAct \(1\.00\): it matters more under TrAct\. .* random direction the correlation is 1\.00\./,
      );
      assert.match(explanation, /whatever ΔW is/);

      const kept = updateSentences({ ...base, vanilla: contrast });
      assert.match(kept[1], /moved grows with its contrast .*: the methods hardly differ in that\./);
      const turned = updateSentences({ ...base, vanilla: contrast.map((value) => -value) });
      assert.match(
        turned[1],
        /moved shrinks with its contrast .* grows with it .*: TrAct turns that around\./,
      );
      const gone = updateSentences({ ...base, vanilla: contrast, tract: indifferent });
      assert.match(gone[1], /hardly depends on it under TrAct .*: it matters less under TrAct\./);
      assert.equal(gone.length, 2, 'nothing has to be explained');
      const mixed = contrast.map((value, i) => value + 0.8 * (i % 2));
      assert.match(updateSentences({ ...base, tract: mixed })[1], /grows (somewhat )?with it under TrAct/);
    });

    test('make nothing of a few images', () => {
      const few = Object.fromEntries(
        Object.entries({ ...base, tract: each((i) => (i % 3) + contrast[i]) }).map(([name, values]) => [
          name,
          Array.isArray(values) ? values.slice(0, 6) : values,
        ]),
      ) as unknown as typeof base;
      const r = updateCorrelations(few).tract.contrast;
      assert.ok(Math.abs(r) > 0.2 && Math.abs(r) < 2 / Math.sqrt(6), String(r));
      assert.match(updateSentences(few)[1], /hardly depends on it under TrAct/);
    });
  });
});

test('brightness and contrast are the mean and the deviation of pixels in [0, 1]', () => {
  const images = Uint8Array.from([0, 255, 0, 255, 51, 51, 51, 51]);
  assert.deepEqual(pixelStatistics(images, 2), { brightness: [0.5, 0.2], contrast: [0.5, 0] });
});
