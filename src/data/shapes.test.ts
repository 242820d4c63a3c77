import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imageCount, type Split } from './dataset.js';
import { shapes } from './shapes.js';

const size = 3 * 32 * 32;

describe('shapes', () => {
  const dataset = shapes();

  it('has ten balanced classes', () => {
    assert.equal(dataset.classNames.length, 10);
    assert.equal(imageCount(dataset.train), 10_000);
    assert.equal(imageCount(dataset.test), 2_000);
    for (let label = 0; label < 10; label++) {
      assert.equal(Array.from(dataset.train.labels).filter((other) => other === label).length, 1_000);
      assert.equal(Array.from(dataset.test.labels).filter((other) => other === label).length, 200);
    }
  });

  it('is the same for the same seed, image by image', () => {
    const few = shapes({ train: 50, test: 10 });
    assert.deepEqual(few.train.images, dataset.train.images.slice(0, 50 * size));
    assert.deepEqual(few.test.images, dataset.test.images.slice(0, 10 * size));
    assert.notDeepEqual(few.test.images, few.train.images.slice(0, 10 * size));
    assert.notDeepEqual(shapes({ train: 50, test: 10, seed: 1 }).train.images, few.train.images);
  });

  it('has the mean and deviation that it says', () => {
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      let squares = 0;
      for (let image = 0; image < 10_000; image++) {
        const first = image * size + channel * 1024;
        for (let pixel = first; pixel < first + 1024; pixel++) {
          const value = dataset.train.images[pixel] / 255;
          sum += value;
          squares += value * value;
        }
      }
      const mean = sum / 10_240_000;
      assert.ok(Math.abs(mean - dataset.mean[channel]) < 0.01);
      assert.ok(Math.abs(Math.sqrt(squares / 10_240_000 - mean * mean) - dataset.deviation[channel]) < 0.01);
    }
  });

  it('varies in contrast, but never hides the figure', () => {
    const deviations = Array.from({ length: 2_000 }, (_, image) =>
      deviationOfLuminance(dataset.train.images.subarray(image * size, (image + 1) * size)),
    ).sort((a, b) => a - b);
    assert.ok(deviations[0] > 3, `the dullest image varies by ${deviations[0]} of 255 levels only`);
    assert.ok(deviations[1_900] > 4 * deviations[100], 'dull and glaring images are much alike');
  });

  it('refuses numbers of images that are none', () => {
    for (const count of [0, -1, 2.5, NaN]) assert.throws(() => shapes({ train: count }), /at least 1, not/);
  });

  it('is beyond a linear classifier', () => {
    const accuracy = linearAccuracy(dataset.train, dataset.test, 3_000, 15);
    assert.ok(accuracy < 0.5, `a linear classifier gets ${accuracy}`);
    assert.ok(accuracy > 0.12, `a linear classifier gets ${accuracy}: it has not learnt`);
  });
});

function deviationOfLuminance(image: Uint8Array): number {
  let sum = 0;
  let squares = 0;
  for (let pixel = 0; pixel < 1024; pixel++) {
    const luminance = 0.299 * image[pixel] + 0.587 * image[1024 + pixel] + 0.114 * image[2048 + pixel];
    sum += luminance;
    squares += luminance * luminance;
  }
  return Math.sqrt(squares / 1024 - (sum / 1024) ** 2);
}

/** Test accuracy of softmax regression on the pixels, by stochastic gradient descent with a falling rate. */
function linearAccuracy(train: Split, test: Split, images: number, epochs: number): number {
  const weights = Array.from({ length: 10 }, () => new Float64Array(size));
  const bias = new Float64Array(10);
  const x = new Float64Array(size);
  const logits = new Float64Array(10);
  const predict = (split: Split, image: number): number => {
    for (let i = 0; i < size; i++) x[i] = split.images[image * size + i] / 127.5 - 1;
    for (let label = 0; label < 10; label++) {
      const row = weights[label];
      let sum = bias[label];
      for (let i = 0; i < size; i++) sum += row[i] * x[i];
      logits[label] = sum;
    }
    return logits.indexOf(Math.max(...logits));
  };
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.002 * (1 - epoch / epochs);
    for (let step = 0; step < images; step++) {
      const image = (step * 1_999) % images;
      const largest = logits[predict(train, image)];
      const exponentials = logits.map((logit) => Math.exp(logit - largest));
      const total = exponentials.reduce((sum, exponential) => sum + exponential, 0);
      for (let label = 0; label < 10; label++) {
        const change = rate * (exponentials[label] / total - (train.labels[image] === label ? 1 : 0));
        const row = weights[label];
        for (let i = 0; i < size; i++) row[i] -= change * x[i];
        bias[label] -= change;
      }
    }
  }
  const right = Array.from(test.labels).filter((label, image) => predict(test, image) === label);
  return right.length / imageCount(test);
}
