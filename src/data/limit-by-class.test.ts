import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataError } from './data-error.js';
import { labelsOf } from './image-source.js';
import { limitByClass } from './limit-by-class.js';
import { shapes } from './shapes.js';

test('some images of every class stay, in their order, the same ones each time', () => {
  const drawn = shapes({ train: 60, test: 20 });
  // Class by class, as pictures that are named after their classes are.
  const labels = Int32Array.from({ length: 60 }, (_, i) => Math.floor(i / 6));
  const dataset = { ...drawn, train: { ...drawn.train, labels } };
  const limited = limitByClass(dataset, { train: 20 });
  const left = [...Array(10).keys()].flatMap((label) => [label, label]);
  assert.deepEqual(Array.from(labelsOf(limited.train)), left);
  assert.deepEqual(limitByClass(dataset, { train: 20 }), limited);
  assert.equal(limited.test, dataset.test);
  assert.deepEqual(limitByClass(dataset, { train: 60, test: 20 }), dataset);
  for (const train of [0, 61, 1.5]) assert.throws(() => limitByClass(dataset, { train }), DataError);
});
