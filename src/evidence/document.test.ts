import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { Results } from '../compare/results.js';
import { block, blocksOf, filled } from './document.js';
import { experiments, experimentsOf } from './experiments.js';
import { keptResults } from './kept.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/results.md', () => {
  it('says what the kept records say: npm run results makes it anew', async () => {
    const file = `${root}docs/results.md`;
    const text = readFileSync(file, 'utf8');
    const kept = new Map<string, Results | undefined>();
    for (const { name } of experiments) kept.set(name, await keptResults(`${root}evidence`, name));
    assert.ok(blocksOf(text).length > 0);
    const made = filled(text, (name) => block(name, (experiment) => kept.get(experiment)));
    assert.equal(text, await format(made, { ...(await resolveConfig(file)), filepath: file }));
  });

  it('has a place for every experiment whose records are kept', async () => {
    const blocks = blocksOf(readFileSync(`${root}docs/results.md`, 'utf8'));
    const told = new Set(blocks.flatMap(experimentsOf));
    for (const { name } of experiments) {
      if (!(await keptResults(`${root}evidence`, name))) continue;
      assert.ok(told.has(name), name);
    }
  });
});

describe('block', () => {
  it('refuses an experiment that there is not, or of which nothing is kept', () => {
    for (const name of ['unknown', 'budget-sgd', 'first-layer'])
      assert.throws(() => block(name, () => undefined), { message: `nothing is kept of "${name}"` });
  });
});
