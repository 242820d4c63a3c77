/** Whether ONNX Runtime's blocked layout can be relied on here, and how many channels a block has. */
import { Graph } from '../../graph/graph.js';
import { tensor } from '../../tensor/tensor.js';
import { reorderInput } from './blocked-layout.js';
import { blockedCpu } from './cpu.js';
import { agrees, runOnce } from './probe.js';

/** Enough channels for two of the largest blocks. */
const CHANNELS = 32;

let known: Promise<number | undefined> | undefined;

/**
 * The number of channels in a block: 16 with AVX-512, 8 with AVX2. Undefined where the runtime has no blocked layout,
 * or where it does not give the numbers of the plain operators; found out once.
 */
export function blockSize(): Promise<number | undefined> {
  known ??= probe().catch(() => undefined);
  return known;
}

async function probe(): Promise<number | undefined> {
  const block = await reorderedBlock();
  return block !== undefined && (await agrees(blockedCpu(block), block)) ? block : undefined;
}

/**
 * The channels in a block, as far as reordering shows them: in memory, the second pixel of the first channel follows the
 * first pixels of all channels in its block.
 */
export async function reorderedBlock(): Promise<number | undefined> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, CHANNELS, 1, 2]);
  graph.output('y', reorderInput(x));
  const numbers = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
  const { y } = await runOnce(graph, { x: tensor('float32', x.shape, numbers) });
  const block = Array.from(y.data as Float32Array).indexOf(1);
  return block === 8 || block === 16 ? block : undefined;
}
