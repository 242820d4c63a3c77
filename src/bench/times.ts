/** The clock of the bench: the same in processes and in pages. */
import type { Turn } from './protocol.js';

/** Makes the steps of a turn, and gives the milliseconds of each that counts. */
export async function timesOf({ warmUp, steps }: Turn, step: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < warmUp; i++) await step();
  const milliseconds: number[] = [];
  for (let i = 0; i < steps; i++) {
    const started = performance.now();
    await step();
    milliseconds.push(performance.now() - started);
  }
  return milliseconds;
}
