import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type DType,
  allocate,
  bytesPerElement,
  elementCount,
  formatShape,
  sameShape,
  tensor,
  toNumbers,
  zeros,
} from './tensor.js';

const bytes: Record<DType, number> = { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, bool: 1 };
const dtypes = Object.keys(bytes) as DType[];
const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });

describe('shapes', () => {
  test('have the product of their dimensions as elements; a scalar has one', () => {
    assert.equal(elementCount([]), 1);
    assert.equal(elementCount([2, 3, 4]), 24);
    assert.equal(elementCount([2, 0, 4]), 0);
  });

  test('are written as people write them', () => {
    assert.equal(formatShape([]), '[]');
    assert.equal(formatShape([128, 3, 32, 32]), '[128, 3, 32, 32]');
  });

  test('are the same in rank and in every dimension only', () => {
    assert.ok(sameShape([], []));
    assert.ok(sameShape([2, 3], [2, 3]));
    assert.ok(!sameShape([2, 3], [3, 2]));
    assert.ok(!sameShape([2, 3], [2, 3, 1]));
    assert.ok(!sameShape([2, 3, 1], [2, 3]));
  });
});

describe('a tensor', () => {
  for (const dtype of dtypes) {
    test(`of ${dtype} takes ${bytes[dtype]} byte(s) an element`, () => {
      assert.equal(bytesPerElement(dtype), bytes[dtype]);
      assert.equal(allocate(dtype, 3).byteLength, 3 * bytes[dtype]);
    });

    test(`of ${dtype} gives back the whole numbers it was made of`, () => {
      fc.assert(
        fc.property(shapes, fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1 }), (shape, pattern) => {
          const values = Array.from({ length: elementCount(shape) }, (_, i) => pattern[i % pattern.length]);
          const made = tensor(dtype, shape, values);
          assert.equal(made.data.constructor, allocate(dtype, 0).constructor);
          assert.deepEqual(made.shape, shape);
          assert.deepEqual(toNumbers(made), values);
        }),
      );
    });

    test(`of ${dtype} can be all zeros`, () => {
      const made = zeros(dtype, [2, 3]);
      assert.deepEqual(toNumbers(made), [0, 0, 0, 0, 0, 0]);
      assert.equal(made.dtype, dtype);
    });
  }

  test('shares a typed array with whoever made it', () => {
    const data = Float32Array.of(1, 2);
    assert.equal(tensor('float32', [2], data).data, data);
  });

  test('rounds numbers to its element type', () => {
    assert.equal(tensor('float32', [], [0.1]).data[0], Math.fround(0.1));
    assert.equal(tensor('float64', [], [0.1]).data[0], 0.1);
  });

  test('refuses another number of elements than its shape has', () => {
    fc.assert(
      fc.property(shapes, fc.nat(200), (shape, length) => {
        fc.pre(length !== elementCount(shape));
        const values = Array.from({ length }, () => 0);
        assert.throws(() => tensor('float32', shape, values), RangeError);
        assert.throws(() => tensor('float32', shape, Float32Array.from(values)), RangeError);
      }),
    );
    assert.throws(() => tensor('float32', [2, 3], [1]), {
      message: 'a float32 tensor of shape [2, 3] has 6 elements, but 1 were given',
    });
  });
});
