/** The lowerings that all have to pass the same tests. */
import process from 'node:process';
import { blockSize, reorderedBlock } from '../engine/lowering/block-size.js';
import { blockedCpu } from '../engine/lowering/cpu.js';
import { portable, portableLowering } from '../engine/lowering/portable.js';
import { wasm } from '../engine/lowering/wasm.js';
import type { Rewrites } from '../graph/rewrite.js';

// `blockSize` gives up the blocked layout where its results are wrong, and would so hide a mistake in the lowering from
// its tests. On x64 the runtime is known to have it.
const block = process.arch === 'x64' ? await reorderedBlock().catch(() => undefined) : await blockSize();

/** Where the runtime has no blocked layout there is nothing to test of it. */
export const lowerings: Readonly<Record<string, Rewrites>> = {
  portable,
  // Every image in a slice of its own.
  'portable without memory for patches': portableLowering(1),
  WebAssembly: wasm,
  ...(block === undefined ? {} : { [`CPU in blocks of ${block}`]: blockedCpu(block) }),
};
