import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import { ClassTally } from './class-figures.js';

describe('figures class by class', () => {
  // Rows are logits; the greatest is what an image is taken for.
  const rows = [
    [0, [5, 0, 0]],
    [0, [0, 4, 0]],
    [0, [3, 0, 2]],
    [1, [0, 1, 0]],
    [1, [0, 0, 9]],
    [1, [2, 0, 0]],
  ] as const;
  const tally = new ClassTally(['cat', 'dog', 'fox'], 2);
  for (const [label, logits] of rows) tally.add(Float32Array.from(logits), Int32Array.of(label));

  it('are precision, recall and F1', () => {
    const [cat, dog, fox] = tally.figures();
    assert.deepEqual(cat, { name: 'cat', images: 3, precision: 2 / 3, recall: 2 / 3, f1: 2 / 3 });
    assert.deepEqual(dog, { name: 'dog', images: 3, precision: 1 / 2, recall: 1 / 3, f1: 2 / 5 });
    assert.deepEqual(fox, { name: 'fox', images: 0, precision: 0, recall: NaN, f1: 0 });
    assert.deepEqual(tally.confusions, [
      { label: 0, predicted: 1, images: 1 },
      { label: 1, predicted: 0, images: 1 },
      { label: 1, predicted: 2, images: 1 },
    ]);
    assert.equal(tally.count(0, 0), 2);
    assert.equal(tally.count(2, 2), 0);
  });

  it('and the worst mistakes, in their order', () => {
    const [first, second, ...others] = tally.mistakes;
    assert.equal(others.length, 0);
    assert.deepEqual([first.index, first.label, first.predicted], [4, 1, 2]);
    assert.equal(second.index, 1);
    const sum = 2 + Math.exp(9);
    assert.ok(Math.abs(first.probability - Math.exp(9) / sum) < 1e-12);
    assert.ok(Math.abs(first.loss - Math.log(sum)) < 1e-12);
  });

  it('are the same whatever batches they come in', () => {
    const random = Random.fromSeed(0);
    const logits = Float32Array.from({ length: 200 * 4 }, () => random.normal());
    const labels = Int32Array.from({ length: 200 }, () => random.integer(4));
    const [whole, parts] = [0, 1].map(() => new ClassTally(['a', 'b', 'c', 'd'], 10));
    whole.add(logits, labels);
    for (let i = 0; i < 200; i += 40)
      parts.add(logits.subarray(4 * i, 4 * i + 160), labels.subarray(i, i + 40));
    assert.deepEqual(parts.figures(), whole.figures());
    assert.deepEqual(parts.mistakes, whole.mistakes);
    const losses = whole.mistakes.map(({ loss }) => loss);
    assert.deepEqual(
      losses,
      [...losses].sort((a, b) => b - a),
    );
    const all = [...labels.keys()].map((i) => {
      const row = logits.subarray(4 * i, 4 * i + 4);
      const loss = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[labels[i]];
      return row.indexOf(Math.max(...row)) === labels[i] ? -Infinity : loss;
    });
    const wanted = all.sort((a, b) => b - a).slice(0, 10);
    losses.forEach((loss, i) => {
      assert.ok(Math.abs(loss - wanted[i]) < 1e-6);
    });
  });
});
