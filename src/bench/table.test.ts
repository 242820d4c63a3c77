import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatTable } from './table.js';

it('aligns names to the left and figures to the right', () => {
  const table = formatTable([
    ['case', 'ms'],
    ['a', '1.5'],
    ['longer', '120.0'],
  ]);
  assert.equal(table, ['case       ms', '──────  ─────', 'a         1.5', 'longer  120.0'].join('\n'));
});
