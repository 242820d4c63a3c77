import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { visible } from './visible.js';

describe('visible', () => {
  it('leaves words of all scripts as they are', () => {
    for (const text of ['plain text', 'Größe, 猫, कुत्ता, кот', 'خانه‌ها', '👩‍🚀 a b', 'C:\\images\\n.png']) {
      assert.equal(visible(text), text);
    }
  });

  it('shows every control character, C1 and newlines among them', () => {
    assert.equal(visible('\u001b[2J\u001b]0;title\u0007'), '\\u001b[2J\\u001b]0;title\\u0007');
    assert.equal(
      visible('one\ntwo\r\tthree\u2028four\u2029'),
      'one\\u000atwo\\u000d\\u0009three\\u2028four\\u2029',
    );
    for (let code = 0; code < 0xa0; code++) {
      const shown = visible(String.fromCharCode(code));
      assert.equal(
        shown,
        code >= 0x20 && code < 0x7f
          ? String.fromCharCode(code)
          : `\\u00${code.toString(16).padStart(2, '0')}`,
      );
    }
  });

  it('shows what turns the direction of the text, or is not seen at all', () => {
    assert.equal(visible('gpj.\u202exe'), 'gpj.\\u202exe');
    const hidden =
      '\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u00ad\ufeff';
    assert.match(visible(hidden), /^(\\u[0-9a-f]{4}){15}$/);
    assert.equal(visible('\u{e0041}'), '\\udb40\\udc41');
    assert.equal(visible('\ud800.'), '\\ud800.');
  });

  it('keeps the beginning and the end of what is long', () => {
    assert.equal(visible('0123456789', 10), '0123456789');
    assert.equal(visible('0123456789a', 10), '0123…789a');
    assert.equal(visible('error: x'.padEnd(50e6, 'x') + ' is missing').length, 1599);
    assert.match(visible('error: x'.padEnd(50e6, 'x') + ' is missing'), /^error: xx.*…x.* is missing$/);
    // Escapes count, and an emoji is not cut in two.
    assert.equal(visible('\n'.repeat(30), 20).length, 19);
    assert.equal(visible('12🙂3456🙂78', 8), '12…78');
  });
});
