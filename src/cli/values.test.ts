import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percent } from '../compare/words.js';
import { duration, shellWord, short } from './format.js';
import { nearest } from './suggest.js';
import { number, oneOf, whole } from './values.js';

test('the nearest word is suggested, unless none is near', () => {
  const words = ['cosine', 'constant'];
  assert.equal(nearest('cosin', words), 'cosine');
  assert.equal(nearest('csoine', words), 'cosine');
  assert.equal(nearest('COSINE', words), 'cosine');
  assert.equal(nearest('linear', words), undefined);
  assert.equal(nearest('', words), undefined);
  // Not compared letter by letter.
  assert.equal(nearest('constant'.repeat(1_000_000), words), undefined);
});

test('numbers are decimal, finite and in range', () => {
  const positive = number('above 0', (value) => value > 0);
  for (const [text, value] of [
    ['0.1', 0.1],
    ['1e-3', 0.001],
    ['.5', 0.5],
    ['+2', 2],
  ] as const)
    assert.equal(positive(text), value);
  for (const text of ['', ' ', '0', '-1', '1e999', 'Infinity', 'NaN', '0x1', '1,5', '1 2'])
    assert.throws(() => positive(text), /above 0/);
  assert.throws(() => positive(`${'1'.repeat(1_000_000)}x`), /above 0/);
  assert.equal(whole(0)('0'), 0);
  for (const text of ['-1', '1.5', '9007199254740993']) assert.throws(() => whole(0)(text), /at least 0/);
  assert.equal(oneOf(['a', 'b'])('b'), 'b');
  assert.throws(() => oneOf(['cosine'])('cosin'), /Did you mean cosine/);
});

test('figures and words', () => {
  assert.equal(percent(0.8765), '87.6 %');
  assert.deepEqual([999, 1500, 11_173_962].map(short), ['999', '2 k', '11.2 M']);
  assert.deepEqual([9, 127, 3909, Infinity].map(duration), ['0:09', '2:07', '1:05:09', '?']);
  assert.equal(shellWord('runs/a-1'), 'runs/a-1');
  assert.equal(shellWord("it's"), `'it'\\''s'`);
});
