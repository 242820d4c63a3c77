import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elementCount } from '../tensor/tensor.js';
import { broadcastShape, broadcastStrides, rowMajorStrides } from './broadcast.js';

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

test('shapes broadcast as ONNX says', () => {
  assert.deepEqual(broadcastShape([2, 3, 4, 5], []), [2, 3, 4, 5]);
  assert.deepEqual(broadcastShape([4, 5], [2, 3, 4, 5]), [2, 3, 4, 5]);
  assert.deepEqual(broadcastShape([1, 4, 5], [2, 3, 1, 1]), [2, 3, 4, 5]);
  assert.deepEqual(broadcastShape([3, 4, 5], [2, 1, 1, 1]), [2, 3, 4, 5]);
  assert.equal(broadcastShape([2, 3], [3, 2]), undefined);
  assert.equal(broadcastShape([2], [3]), undefined);
});

test('broadcasting is symmetric, and a shape broadcasts with itself and with a scalar to itself', () => {
  fc.assert(
    fc.property(shapes, shapes, (a, b) => {
      assert.deepEqual(broadcastShape(a, b), broadcastShape(b, a));
      assert.deepEqual(broadcastShape(a, a), a);
      assert.deepEqual(broadcastShape(a, []), a);
    }),
  );
});

test('row-major strides count the elements to the right', () => {
  assert.deepEqual(rowMajorStrides([2, 3, 4]), [12, 4, 1]);
  assert.deepEqual(rowMajorStrides([]), []);
  fc.assert(
    fc.property(shapes, (shape) => {
      rowMajorStrides(shape).forEach((stride, axis) => {
        assert.equal(stride, elementCount(shape.slice(axis + 1)));
      });
    }),
  );
});

test('broadcast strides stand still along what repeats', () => {
  assert.deepEqual(broadcastStrides([3, 1], [2, 3, 4]), [0, 1, 0]);
  assert.deepEqual(broadcastStrides([2, 3, 4], [2, 3, 4]), [12, 4, 1]);
  assert.deepEqual(broadcastStrides([], [2, 3]), [0, 0]);
});
