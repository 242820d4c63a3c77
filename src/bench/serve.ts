/** The side of the protocol that is measured. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { timesOf } from './times.js';
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
  await serveTurns(ready, async (turn) => timesOf(turn, step));
}

/** The same where all steps of a turn are made elsewhere. */
export async function serveTurns(
  ready: Ready,
  takeTurn: (turn: Turn) => Promise<readonly number[]>,
): Promise<void> {
  write(ready);
  const began = process.cpuUsage();
  for await (const line of createInterface({ input: process.stdin }))
    write({ milliseconds: await takeTurn(JSON.parse(line) as Turn) });
  const { user, system } = process.cpuUsage(began);
  write({ peakBytes: peakBytes(), processorMilliseconds: (user + system) / 1000 });
}
