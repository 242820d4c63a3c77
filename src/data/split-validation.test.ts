import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DataError } from './data-error.js';
import { type ImageDataset, type Split, imageCount, limit } from './dataset.js';
import { shapes } from './shapes.js';
import { splitValidation } from './split-validation.js';

/** Images of two pixels, which hold the image's position. */
function dataset(labels: readonly number[], classes = 256): ImageDataset<Split> {
  const images = Uint8Array.from(labels.flatMap((_, image) => [image & 255, image >> 8]));
  const train = { images, labels: Uint8Array.from(labels) };
  return {
    name: 'numbered',
    classNames: Array.from({ length: classes }, (_, label) => `class ${label}`),
    imageShape: [1, 1, 2],
    mean: [0.5],
    deviation: [0.25],
    augmentation: [],
    train,
    test: { images: Uint8Array.of(7, 7), labels: Uint8Array.of(0) },
  };
}

/** The positions that the images of a split had. */
const positions = ({ images, labels }: Split): number[] =>
  Array.from(labels, (_, i) => images[2 * i] + 256 * images[2 * i + 1]);

const countsOf = (labels: ArrayLike<number>): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const label of Array.from(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
};

const labelLists = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 400 });
const shares = fc.double({ min: 0.001, max: 0.999, noNaN: true });

describe('splitValidation', () => {
  it('sets the share aside class by class: disjoint, complete, in the old order, by the seed alone', () => {
    let split = 0;
    fc.assert(
      fc.property(labelLists, shares, fc.maxSafeInteger(), (labels, share, seed) => {
        const aside = Math.round(share * labels.length);
        fc.pre(aside > 0 && aside < labels.length);
        split++;
        const whole = dataset(labels);
        const { train, validation, test, setAside } = splitValidation(whole, { share, seed });
        assert.deepEqual(setAside, { share, seed });
        assert.equal(test, whole.test);
        assert.equal(imageCount(validation!), aside);
        const [trained, validated] = [positions(train), positions(validation!)];
        assert.deepEqual(
          [...trained, ...validated].sort((a, b) => a - b),
          labels.map((_, i) => i),
        );
        for (const part of [trained, validated]) {
          assert.deepEqual(
            part,
            part.toSorted((a, b) => a - b),
          );
        }
        // Images and labels stay together.
        assert.deepEqual(
          Array.from(train.labels),
          trained.map((i) => labels[i]),
        );
        assert.deepEqual(
          Array.from(validation!.labels),
          validated.map((i) => labels[i]),
        );
        const [all, some] = [countsOf(labels), countsOf(validation!.labels)];
        for (const [label, count] of all) {
          const off = Math.abs((some.get(label) ?? 0) - share * count);
          assert.ok(off < 1 + 1e-9, `${some.get(label)} of ${count} images of class ${label} at ${share}`);
        }
        assert.deepEqual(splitValidation(whole, { share, seed }), splitValidation(whole, { share, seed }));
      }),
      { numRuns: 200 },
    );
    assert.ok(split > 100, `only ${split} cases had a split`);
  });

  it('draws other images with another seed, and the same of a class whatever the others have', () => {
    const labels = Array.from({ length: 200 }, (_, i) => i % 2);
    const drawn = (list: readonly number[], seed: number): number[] =>
      positions(splitValidation(dataset(list), { share: 0.25, seed }).validation!);
    assert.notDeepEqual(drawn(labels, 0), drawn(labels, 1));
    // Class 0 keeps its images where class 1 has three times as many behind them.
    const more = [...labels, ...Array.from({ length: 200 }, () => 1)];
    const ofClass0 = (list: readonly number[]): number[] => drawn(list, 3).filter((i) => more[i] === 0);
    assert.equal(ofClass0(labels).length, 25);
    assert.deepEqual(ofClass0(more), ofClass0(labels));
  });

  it('gives the odd image to no class in particular', () => {
    const labels = Array.from({ length: 10 }, (_, i) => i);
    const classes = Array.from(
      { length: 40 },
      (_, seed) => splitValidation(dataset(labels), { share: 0.1, seed }).validation!.labels[0],
    );
    assert.ok(new Set(classes).size > 5, classes.join());
  });

  it('of an embedded dataset has every class', () => {
    const { train, validation } = splitValidation(shapes({ train: 100, test: 10 }), { share: 0.2 });
    assert.deepEqual(
      [...countsOf(validation!.labels).values()],
      Array.from({ length: 10 }, () => 2),
    );
    assert.equal(imageCount(train), 80);
  });

  it('refuses shares out of range, empty parts, and a dataset that has validation images', () => {
    const whole = dataset([0, 0, 1, 1]);
    for (const share of [0, 1, -0.1, 1.5, NaN, Infinity]) {
      assert.throws(() => splitValidation(whole, { share }), /share .* above 0 and below 1/);
    }
    assert.throws(() => splitValidation(whole, { share: 0.5, seed: 0.5 }), /a seed is a whole number/);
    assert.throws(
      () => splitValidation(whole, { share: 0.1 }),
      new DataError('A share of 0.1 of the 4 training images of numbered is no image: choose a larger one.'),
    );
    assert.throws(() => splitValidation(whole, { share: 0.9 }), /all of them: choose a smaller one/);
    const split = splitValidation(whole, { share: 0.5 });
    assert.throws(() => splitValidation(split, { share: 0.5 }), /has validation images of its own/);
  });

  it('stays what it was in a dataset that is limited, as long as it can be drawn again', () => {
    const split = splitValidation(shapes({ train: 40, test: 20 }), { share: 0.25, seed: 1 });
    assert.deepEqual(limit(split, { test: 10 }).setAside, { share: 0.25, seed: 1 });
    const fewer = limit(split, { train: 10 });
    assert.equal(fewer.validation, split.validation);
    assert.equal(fewer.setAside, undefined);
  });
});
