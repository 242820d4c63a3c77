import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type Attribute, type Attributes, attributesKey, float, int, ints, string } from './attributes.js';

/** Few and awkward, so that equal ones come up: what JSON writes alike, and what one list or text may hide in another. */
const number = fc.constantFrom(
  0,
  -0,
  1,
  -1,
  0.1,
  0.30000000000000004,
  NaN,
  Infinity,
  -Infinity,
  1e21,
  2 ** 53,
);
const text = fc.constantFrom(
  '',
  'a',
  'b',
  '0',
  '-0',
  'NaN',
  'null',
  '1,0',
  '"',
  '",["a"',
  '\ud800',
  '__proto__',
);
const list = fc.array(number, { maxLength: 2 });
const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.record({ type: fc.constantFrom('int', 'float'), value: number }, { noNullPrototype: true }),
  fc.record({ type: fc.constantFrom('ints', 'floats'), value: list }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('string'), value: text }, { noNullPrototype: true }),
);
const attributes = fc
  .array(fc.tuple(text, attribute), { maxLength: 2 })
  .map((entries): Attributes => Object.fromEntries(entries));

test('two sets of attributes have one key exactly if they are equal', () => {
  fc.assert(
    fc.property(attributes, attributes, (a, b) => {
      // Tells -0 from 0 and takes NaN for itself; the order of names is no matter.
      assert.equal(attributesKey(a) === attributesKey(b), isDeepStrictEqual(a, b));
      const turned = Object.fromEntries(Object.entries(a).reverse());
      assert.equal(attributesKey(a), attributesKey(turned));
    }),
    { numRuns: 3000, examples: [[{ a: float(NaN) }, { a: float(Infinity) }]] },
  );
});

test('numbers that JSON writes alike are told apart', () => {
  const sets: Attributes[] = [
    {},
    ...[0, -0, 1, NaN, Infinity, -Infinity].flatMap((value) => [
      { a: float(value) },
      { a: int(value) },
      { a: ints([value]) },
      { a: { type: 'floats', value: [value] } as const },
      { a: ints([0, value]) },
    ]),
    ...['0', '-0', '1', 'NaN', 'null', 'Infinity', '[0]'].map((value) => ({ a: string(value) })),
    { a: ints([]) },
    { a: { type: 'floats', value: [] } },
    { a: string('') },
  ];
  assert.equal(new Set(sets.map(attributesKey)).size, sets.length);
});
