import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fields, table, widthOf, wrap } from './layout.js';

const longest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));

describe('wrap', () => {
  const sentence =
    'TrAct trains 2.23× faster than vanilla here: it reaches the 64.0 % test accuracy ± 1.2 points after 67 steps of 145 ms.';

  it('breaks at words, never between a number and what belongs to it', () => {
    for (const width of [80, 60, 40, 30, 24]) {
      const wrapped = wrap(sentence, width);
      assert.ok(longest(wrapped) <= width, `${width}:\n${wrapped}`);
      assert.equal(wrapped.replaceAll('\n', ' '), sentence);
      for (const whole of ['64.0 %', '± 1.2 points', '145 ms']) assert.ok(wrapped.includes(whole), wrapped);
    }
  });

  it('indents the lines after the first', () => {
    assert.equal(wrap('one two three', 9, '  '), 'one two\n  three');
    // A command that a line's end cuts in two is no command any more.
    assert.equal(wrap('Next:\n  tract train --resume runs/a', 12), 'Next:\n  tract train --resume runs/a');
    assert.equal(wrap('one\ntwo', 80), 'one\ntwo');
  });

  it('leaves a path whole', () => {
    assert.equal(wrap('Report: /a/very/long/path', 10), 'Report:\n/a/very/long/path');
  });

  it('leaves files and pipes their long lines', () => {
    assert.equal(wrap(sentence, widthOf({ isTTY: false, columns: 80 })), sentence);
    assert.equal(widthOf({ isTTY: true, columns: 40 }), 40);
    // Some terminals say 0.
    assert.equal(widthOf({ isTTY: true, columns: 0 }), 80);
  });

  it('fits any width that its words fit', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,10}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(words, fc.integer({ min: 12, max: 100 }), (list, width) => {
        const text = list.join(' ');
        const wrapped = wrap(text, width, '  ');
        assert.ok(longest(wrapped) <= width);
        assert.equal(wrapped.replaceAll(/\n */g, ' '), text);
      }),
      // A unit is one only behind a number.
      { examples: [[['a', 'aaaaaaaaa', 's', 'a'], 12]] },
    );
  });
});

describe('fields', () => {
  const parts = [
    'epoch 1/5',
    'train loss 2.1234  accuracy 20.1 %',
    'test loss 1.9876  accuracy 25.6 %',
    '0:09',
  ];
  it('are a line, or as few as it takes', () => {
    assert.equal(fields(parts, 100).split('\n').length, 1);
    const narrow = fields(parts, 60);
    assert.equal(
      narrow,
      'epoch 1/5  ·  train loss 2.1234  accuracy 20.1 %\n  test loss 1.9876  accuracy 25.6 %  ·  0:09',
    );
    assert.ok(longest(fields(parts, 30)) <= 30);
  });
});

describe('table', () => {
  const rows = [
    ['method', 'test accuracy', 'steps to 64.0 %', 'speed-up'],
    ['vanilla', '64.0 % ± 9.0', '149', ''],
    ['patch-wise layer norm', '95.5 % ± 1.9', '67', '2.23×'],
  ];

  it('sets names to the left and figures to the right', () => {
    assert.equal(
      table([
        ['case', 'ms'],
        ['a', '1.5'],
        ['longer', '120.0'],
      ]),
      ['case       ms', '──────  ─────', 'a         1.5', 'longer  120.0'].join('\n'),
    );
    assert.equal(
      table(
        [
          ['', '3.0 %', 'cat'],
          ['', '12.0 %', 'dog'],
        ],
        { left: [0, 2], heading: false },
      ),
      '   3.0 %  cat\n  12.0 %  dog',
    );
  });

  it('wraps its cells where the terminal is narrow', () => {
    assert.equal(
      table(rows, { width: 50 }),
      [
        '                    test  steps to',
        'method          accuracy    64.0 %  speed-up',
        '──────────  ────────────  ────────  ────────',
        'vanilla     64.0 % ± 9.0       149',
        'patch-wise  95.5 % ± 1.9        67     2.23×',
        'layer norm',
      ].join('\n'),
    );
    for (const width of [60, 50, 44]) {
      const drawn = table(rows, { width });
      assert.ok(longest(drawn) <= width, drawn);
      for (const figure of ['64.0 %', '95.5 %', '149', '2.23×']) assert.ok(drawn.includes(figure), drawn);
    }
  });

  it('becomes lists where it is narrower still', () => {
    const drawn = table(rows, { width: 24 });
    assert.ok(longest(drawn) <= 24, drawn);
    assert.ok(drawn.startsWith('vanilla\n  test accuracy:'), drawn);
    assert.ok(drawn.includes('  speed-up: 2.23×'), drawn);
  });

  it('keeps its columns whatever the cells hold', () => {
    const hostile = [
      ['a\u001b[31m', '1'],
      ['b\nc', '2'],
      ['x'.repeat(1e6), '3'],
    ];
    const lines = table(hostile, { heading: false }).split('\n');
    assert.equal(lines.length, 3);
    assert.deepEqual(
      lines.map((line) => line.slice(201)),
      ['1', '2', '3'],
    );
    assert.ok(lines[0].startsWith('a\\u001b[31m '));
  });
});
