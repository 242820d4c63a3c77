import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { print, printFields, printTable } from './terminal.js';

/** What is written to a terminal of so many columns. */
function shownAt(columns: number, act: () => void): string {
  const { stdout } = process;
  const before = { isTTY: stdout.isTTY, columns: stdout.columns };
  let shown = '';
  const write = mock.method(stdout, 'write', (text: string) => {
    shown += text;
    return true;
  });
  try {
    Object.assign(stdout, { isTTY: true, columns });
    act();
  } finally {
    write.mock.restore();
    Object.assign(stdout, before);
  }
  return shown;
}

const hostile = 'a name\u001b[2J of\nlines';

it('makes what is printed safe, and then wraps it, so that escapes count', () => {
  for (const columns of [20, 24, 40, 80]) {
    const shown = shownAt(columns, () => {
      print(
        `The model ${hostile} is kept in runs/shapes`,
        '',
        '  tract predict runs/shapes-with-a-long-name',
      );
      printFields(`epoch ${hostile}`, 'loss 0.1');
      printTable([
        ['class', 'share'],
        [hostile, '12.0 %'],
      ]);
    });
    const lines = shown.split('\n');
    // Newlines are those of the layout, and commands stay whole.
    assert.equal(shown.replace(/[\n\p{L}\p{N}\p{P}\p{S} ]/gu, ''), '', JSON.stringify(shown));
    assert.equal(shown.match(/\\u001b/g)?.length, 3);
    const command = lines.indexOf('  tract predict runs/shapes-with-a-long-name');
    assert.equal(lines[command - 1], '');
    for (const line of lines.toSpliced(command, 1)) assert.ok(line.length <= columns, line);
  }
  assert.equal(
    shownAt(30, () => {
      print('The model is kept in the folder runs/shapes');
    }),
    'The model is kept in the\n  folder runs/shapes\n',
  );
});
