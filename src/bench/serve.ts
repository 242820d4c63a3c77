/** The side of the protocol that is measured. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { End, Ready, Times, Turn } from './protocol.js';

const write = (message: Ready | Times | End): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

/** The largest resident set so far. */
export function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Makes steps as the bench asks for them, until it asks for no more. */
export async function serve(ready: Ready, step: () => Promise<unknown>): Promise<void> {
  write(ready);
  for await (const line of createInterface({ input: process.stdin })) {
    const { warmUp, steps } = JSON.parse(line) as Turn;
    for (let i = 0; i < warmUp; i++) await step();
    const milliseconds: number[] = [];
    for (let i = 0; i < steps; i++) {
      const started = performance.now();
      await step();
      milliseconds.push(performance.now() - started);
    }
    write({ milliseconds });
  }
  write({ peakBytes: peakBytes() });
}
