import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as op from './graph/operators.js';
import * as everything from './graph/ops.js';
import * as browser from './index.js';
import * as node from './node.js';
import { notOperators } from './testing/gradient-cases/without.js';

describe('the public names', () => {
  it('have docstrings, name no type that is not exported, and stand in docs/api.md', () => {
    const script = fileURLToPath(new URL('../scripts/api.mjs', import.meta.url));
    const { stderr, status } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  it('of a browser are those of Node, too', () => {
    const missing = Object.keys(browser).filter((name) => !(name in node));
    assert.deepEqual(missing, []);
  });

  it('of operators are all that are operators', () => {
    const operators = Object.keys(everything).filter((name) => !(name in notOperators));
    assert.deepEqual(Object.keys(op).sort(), operators.sort());
  });
});
