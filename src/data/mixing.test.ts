import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drawBeta } from '../random/beta.js';
import { Random } from '../random/random.js';
import { checkMixing, mixBatch } from './mixing.js';

const shape = [2, 6, 8] as const;
const size = 96;
/** Five images, each of one level, of classes 0, 1, 2, 0, 1. */
const levels = [10, 60, 110, 160, 210];
const labels = Int32Array.of(0, 1, 2, 0, 1);
const batch = (): Uint8Array => Uint8Array.from({ length: 5 * size }, (_, i) => levels[Math.floor(i / size)]);

const image = (images: Uint8Array, i: number): number[] =>
  Array.from(images.subarray(i * size, (i + 1) * size));

describe('mixing', () => {
  it('mixup blends pairs by one share, and the labels with them', () => {
    for (let seed = 0; seed < 20; seed++) {
      const images = batch();
      const mixed = mixBatch(images, labels, shape, 3, { mixup: 0.4 }, Random.fromSeed(seed));
      const share = mixed.targets[0];
      assert.ok(share >= 0 && share <= 1);
      const partners = [4, 3, 2, 1, 0];
      for (let i = 0; i < 5; i++) {
        const level = share * levels[i] + (1 - share) * levels[partners[i]];
        assert.ok(image(images, i).every((found) => Math.abs(found - level) <= 0.5 + 1e-4));
        const row = Array.from(mixed.targets.subarray(3 * i, 3 * i + 3));
        const wanted = [0, 0, 0];
        wanted[labels[i]] += share;
        wanted[labels[partners[i]]] += 1 - share;
        row.forEach((value, label) => {
          assert.ok(Math.abs(value - wanted[label]) < 1e-6);
        });
        assert.equal(mixed.labels[i], share >= 0.5 ? labels[i] : labels[partners[i]]);
      }
    }
  });

  it('cutmix exchanges a rectangle whose area is the share', () => {
    const shares = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const images = batch();
      const { targets } = mixBatch(images, labels, shape, 3, { cutmix: 1 }, Random.fromSeed(seed));
      const [first, last] = [image(images, 0), image(images, 4)];
      const moved = first.map((level) => level === 210);
      assert.ok(first.every((level, i) => level === (moved[i] ? 210 : 10)));
      assert.deepEqual(
        last,
        moved.map((is) => (is ? 10 : 210)),
      );
      assert.deepEqual(image(images, 2), Array(size).fill(110));
      const places = [...moved.keys()].filter((i) => i < 48 && moved[i]);
      assert.deepEqual(moved.slice(0, 48), moved.slice(48));
      const [rows, columns] = [new Set(places.map((i) => i >> 3)), new Set(places.map((i) => i & 7))];
      assert.equal(places.length, rows.size * columns.size);
      assert.ok(Math.abs(targets[0] - (1 - places.length / 48)) < 1e-6);
      shares.add(places.length);
    }
    assert.ok(shares.size > 8, `${shares.size} areas`);
  });

  it('in pieces is the mixing of each piece, with the same draws', () => {
    for (const mixing of [{ mixup: 0.4 }, { cutmix: 1 }]) {
      const images = Uint8Array.from([...batch().subarray(0, 2 * size), ...batch().subarray(size, 3 * size)]);
      const own = Int32Array.of(0, 1, 1, 2);
      const parts = [0, 2].map((first) => {
        const part = images.slice(first * size, (first + 2) * size);
        const mixed = mixBatch(part, own.slice(first, first + 2), shape, 3, mixing, Random.fromSeed(4));
        return { part, ...mixed };
      });
      const mixed = mixBatch(images, own, shape, 3, mixing, Random.fromSeed(4), 2);
      assert.deepEqual(
        [...images],
        parts.flatMap(({ part }) => [...part]),
      );
      assert.deepEqual(
        [...mixed.targets],
        parts.flatMap(({ targets }) => [...targets]),
      );
      assert.deepEqual(
        [...mixed.labels],
        parts.flatMap(({ labels: most }) => [...most]),
      );
    }
  });

  it('is only so probable, and chooses between the two', () => {
    const kinds = Array.from({ length: 300 }, (_, seed) => {
      const images = batch();
      const both = { mixup: 1, cutmix: 1, probability: 0.8, switchProbability: 0.25 };
      mixBatch(images, labels, shape, 3, both, Random.fromSeed(seed));
      const found = new Set(image(images, 0));
      if (found.size === 1 && found.has(10)) return 'none';
      return [...found].every((level) => level === 10 || level === 210) ? 'cutmix' : 'mixup';
    });
    const count = (kind: string): number => kinds.filter((one) => one === kind).length;
    // 60 of nothing, 180 of mixup and 60 of cutmix are expected; an empty rectangle is nothing, too.
    assert.ok(count('none') > 35 && count('none') < 95, `${count('none')}`);
    assert.ok(count('cutmix') > 30 && count('cutmix') < 90, `${count('cutmix')}`);
    assert.ok(count('mixup') > 140 && count('mixup') < 220, `${count('mixup')}`);
  });

  it('draws from the beta distribution', () => {
    for (const [a, b] of [
      [0.2, 0.2],
      [1, 1],
      [2, 5],
    ]) {
      const random = Random.fromSeed(1);
      const drawn = Array.from({ length: 20_000 }, () => drawBeta(random, a, b));
      const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
      const variance = drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / drawn.length;
      assert.ok(Math.abs(mean - a / (a + b)) < 0.012, `mean ${mean}`);
      const wanted = (a * b) / ((a + b) ** 2 * (a + b + 1));
      assert.ok(Math.abs(variance / wanted - 1) < 0.05, `variance ${variance}, not ${wanted}`);
    }
    assert.ok([0, 1].includes(drawBeta(Random.fromSeed(3), 1e-9, 1e-9)));
  });

  it('out of range is refused', () => {
    for (const wrong of [
      {},
      { mixup: -1 },
      { cutmix: NaN },
      { mixup: 1, probability: 2 },
      { mixup: '1' as unknown as number },
    ]) {
      assert.throws(() => checkMixing(wrong), /mixing: /);
    }
  });
});
