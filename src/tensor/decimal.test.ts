import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDecimal } from './decimal.js';

test('numbers in decimal notation are read', () => {
  for (const [text, value] of [
    ['0', 0],
    ['12', 12],
    ['+1.5', 1.5],
    ['-1.', -1],
    ['.25', 0.25],
    ['1e3', 1000],
    ['-2.5E-3', -0.0025],
    ['1e400', Infinity],
  ] as const)
    assert.equal(parseDecimal(text), value, text);
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      // -0 is written as 0.
      assert.equal(parseDecimal(String(value)), value === 0 ? 0 : value);
    }),
  );
});

test('anything else is no number', () => {
  for (const text of ['', ' ', '.', '-', 'e5', '1e', '1e+', '0x10', '1_000', 'NaN', 'Infinity', '1 2', ' 1'])
    assert.ok(Number.isNaN(parseDecimal(text)), JSON.stringify(text));
});

test('a text of a million digits is read in one pass', () => {
  const digits = '1'.repeat(1_000_000);
  // Each took hours with a pattern that could read the same digits in two ways.
  for (const text of [`${digits}x`, `${digits}.${digits}x`, `1e${digits}x`, `.${digits}x`])
    assert.ok(Number.isNaN(parseDecimal(text)));
  assert.equal(parseDecimal(digits), Infinity);
  assert.equal(parseDecimal(`0.${digits}`), 1 / 9);
});
