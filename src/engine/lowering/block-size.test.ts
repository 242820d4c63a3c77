import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { blockSize, reorderedBlock } from './block-size.js';

test('the blocked layout is used where the runtime has it', { skip: process.arch !== 'x64' }, async () => {
  // Were the lowering wrong, everything would still work, at a third of the speed.
  assert.equal(await blockSize(), await reorderedBlock().catch(() => undefined));
});
