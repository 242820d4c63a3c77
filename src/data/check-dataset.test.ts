import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkImages, checkSplits, checkStatistics } from './check-dataset.js';
import { DataError } from './data-error.js';
import { inputScalings, scaleInput } from './input-scaling.js';
import { shapes } from './shapes.js';
import { splitValidation } from './split-validation.js';

const dataset = splitValidation(shapes({ train: 40, test: 20 }), { share: 0.25 });
const empty = { images: new Uint8Array(0), labels: new Uint8Array(0) };

describe('a dataset that is checked', () => {
  it('is taken as it should be', () => {
    checkSplits(dataset);
    for (const scaling of inputScalings) checkStatistics(scaleInput(dataset, scaling), 3, 'shapes');
    checkStatistics({ mean: [0, 1], deviation: [1, 1e-6] }, 2, 'x');
  });

  it('has labels that name classes, in every split', () => {
    for (const [split, kind] of [
      ['train', 'training'],
      ['validation', 'validation'],
      ['test', 'test'],
    ] as const) {
      const labels = Uint8Array.from(dataset[split]!.labels);
      labels[7] = 10;
      labels[8] = 255;
      const wrong = { ...dataset, [split]: { ...dataset[split], labels } };
      const message = `The ${kind} split of shapes: the label of image 7 is 10, but there are 10 classes, whose labels are 0 to 9. Correct the labels, or name all classes.`;
      assert.throws(() => {
        checkSplits(wrong);
      }, new DataError(message));
    }
  });

  it('has labels that are numbers from 0, though JavaScript takes any list', () => {
    for (const label of [-1, NaN, undefined]) {
      const labels = [0, label] as unknown as Uint8Array;
      assert.throws(() => {
        checkImages(dataset, 'test', { images: new Uint8Array(2 * 3072), labels });
      }, /The test split of shapes: the label of image 1 is/);
    }
  });

  it('has images in every split, as many as labels', () => {
    for (const split of ['train', 'validation', 'test'] as const) {
      assert.throws(() => {
        checkSplits({ ...dataset, [split]: empty });
      }, /^DataError: The (training|validation|test) split of shapes holds no images/);
      const { images, labels } = dataset[split]!;
      assert.throws(() => {
        checkSplits({ ...dataset, [split]: { images: images.subarray(1), labels } });
      }, /bytes of pixels/);
    }
  });
});

describe('statistics that are checked', () => {
  const check = (mean: readonly number[], deviation: readonly number[]) => (): void => {
    checkStatistics({ mean, deviation }, 3, 'photos');
  };
  const [mean, deviation] = [
    [0.5, 0.4, 0.3],
    [0.2, 0.2, 0.2],
  ];

  it('are of pixels scaled to [0, 1], not of pixels from 0 to 255', () => {
    assert.throws(
      check([125.3, 123, 113.9], deviation),
      new DataError(
        'photos: mean[0] is 125.3, but of pixel values scaled to [0, 1] a mean is from 0 to 1, and a deviation above 0 and at most 1. Divide those of pixels from 0 to 255 by 255.',
      ),
    );
    assert.throws(check(mean, [0.2, 63, 0.2]), /photos: deviation\[1\] is 63/);
  });

  it('are finite, with a deviation above 0 in float32, too', () => {
    for (const wrong of [NaN, Infinity, -0.5, undefined as unknown as number]) {
      assert.throws(check([0.5, 0.5, wrong], deviation), /mean\[2\]/);
    }
    for (const wrong of [0, -0.2, NaN, Infinity, 1e-50]) {
      assert.throws(check(mean, [wrong, 0.2, 0.2]), /deviation\[0\]/);
    }
  });

  it('are one of each for every channel', () => {
    assert.throws(check([0.5], deviation), /mean has 1 numbers, but images of 3 channels need 3/);
    assert.throws(check(mean, [...deviation, 0.2]), /deviation has 4 numbers/);
  });
});
