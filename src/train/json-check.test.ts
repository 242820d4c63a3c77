import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dictionary, integer, number, parseJson, record, text } from './json-check.js';

test('a message says what belongs in a place and what was found, shortly', () => {
  const long = 'x'.repeat(1e6);
  for (const [read, message] of [
    [() => number('0.5', 'lr'), 'lr must be a finite number, but is "0.5"'],
    [() => number(undefined, 'lr'), 'lr must be a finite number, but is missing'],
    [() => integer(-1, 'seed', 0), 'seed must be a whole number of at least 0, but is -1'],
    [() => text([1], 'name'), 'name must be a text, but is a list'],
    [() => number({}, 'lr'), 'lr must be a finite number, but is an object'],
    [() => record(long, 'data'), /^data must be an object, but is "x+…x+"$/],
    [
      () => dictionary({ [long]: null }, 'config', number),
      /^config\.x+…x+ must be a finite number, but is null$/,
    ],
  ] as const)
    assert.throws(read, (error: Error) => {
      assert.equal(error.name, 'CheckpointError');
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      assert.ok(error.message.length < 250);
      return true;
    });
});

test('values that are nested too deeply to be written are refused like others', () => {
  const nested = parseJson('['.repeat(1e5) + ']'.repeat(1e5), 'config');
  assert.throws(() => number(nested, 'lr'), { message: 'lr must be a finite number, but is a list' });
});
