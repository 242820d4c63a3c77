// The bench's protocol (src/bench/protocol.ts), for peers in JavaScript.
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { createInterface } from 'node:readline';

const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/**
 * Makes a first step, and then steps as the bench asks for them.
 *
 * @param step makes one training step and waits for its loss
 * @param about the rest of the `Ready` message: batchSize, conditions
 */
export async function serve(step, about) {
  const timed = async () => {
    const started = performance.now();
    const loss = await step();
    if (!Number.isFinite(loss)) throw new Error(`the loss became ${loss}`);
    return performance.now() - started;
  };
  write({ ...about, firstStepMilliseconds: await timed() });
  for await (const line of createInterface({ input: process.stdin })) {
    const { warmUp, steps } = JSON.parse(line);
    for (let i = 0; i < warmUp; i++) await timed();
    const milliseconds = [];
    for (let i = 0; i < steps; i++) milliseconds.push(await timed());
    write({ milliseconds });
  }
  write({ peakBytes: process.resourceUsage().maxRSS * 1024 });
  // Libraries may have left workers behind that would keep the process alive.
  process.exit(0);
}
