import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { block, blocksOf, filled } from './document.js';
import { experimentsOf } from './experiments.js';
import { readKept } from './kept.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/results.md', () => {
  it('says what the kept records say: npm run results makes it anew', async () => {
    const file = `${root}docs/results.md`;
    const text = readFileSync(file, 'utf8');
    const kept = await readKept(`${root}evidence`);
    assert.ok(blocksOf(text).length > 0);
    const made = filled(text, (name) => block(name, kept));
    assert.equal(text, await format(made, { ...(await resolveConfig(file)), filepath: file }));
  });

  it('has a place for every experiment whose records are kept', async () => {
    const blocks = blocksOf(readFileSync(`${root}docs/results.md`, 'utf8'));
    const told = new Set(blocks.flatMap(experimentsOf));
    const { results } = await readKept(`${root}evidence`);
    for (const name of results.keys()) assert.ok(told.has(name), name);
  });
});

describe('block', () => {
  it('refuses an experiment that there is not, or of which nothing is kept', () => {
    for (const name of ['unknown', 'budget-sgd', 'first-layer'])
      assert.throws(() => block(name, { results: new Map(), airbenchRuns: [] }), {
        message: `nothing is kept of "${name}"`,
      });
  });
});
