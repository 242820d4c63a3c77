/**
 * `npm run loading`: how many pictures a second are decoded, beside PyTorch's DataLoader, and what a step waits for them.
 * Generates JPEG files of 256 to 500 pixels a side; all programs take turns of an epoch.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from '../cli/layout.js';
import { median } from '../compare/statistics.js';
import { type Command, Contender } from './contender.js';
import type { LoadingRequest } from './loading-process.js';
import { writePhotographs } from './photographs.js';
import type { Ready } from './protocol.js';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '320' },
    rounds: { type: 'string', default: '7' },
    /** One with torch and torchvision. */
    python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
  },
});
const [pictures, rounds] = [Number(values.pictures), Number(values.rounds)];
const [SIZE, BATCH] = [224, 32];
if (!Number.isSafeInteger(pictures) || pictures < BATCH || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`loading: --pictures takes a whole number from ${BATCH}, --rounds one from 1`);
  process.exit(2);
}

const TIMEOUT = 600_000;
/** Between turns, so that nothing of the one is left in the other. */
const PAUSE = 200;

interface Program {
  readonly name: string;
  readonly command: Command;
}

interface Result {
  readonly name: string;
  readonly ready: Ready;
  /** Of every epoch. */
  readonly milliseconds: readonly number[];
  /** Processor time of all of them. */
  readonly processor: number;
}

const folder = mkdtempSync(join(tmpdir(), 'tract-loading-'));
const photos = join(folder, 'photos');

/** A process of ours. @param decoders threads that decode; default four, those of libuv */
function ours(name: string, request: Partial<LoadingRequest>, decoders?: number): Program {
  const whole: LoadingRequest = {
    folder: photos,
    cacheDir: join(folder, 'cache'),
    size: SIZE,
    batchSize: BATCH,
    workers: 1,
    kept: false,
    training: 'none',
    ...request,
  };
  const script = fileURLToPath(new URL('loading-process.js', import.meta.url));
  return {
    name,
    command: {
      program: process.execPath,
      parameters: [script, JSON.stringify(whole)],
      ...(decoders !== undefined && { environment: { UV_THREADPOOL_SIZE: String(decoders) } }),
    },
  };
}

function pytorch(workers: number): Program {
  const script = fileURLToPath(new URL('../../bench/loading/data_loader.py', import.meta.url));
  const request = { folder: photos, size: SIZE, batchSize: BATCH, workers };
  return {
    name: `PyTorch, ${workers} worker${workers > 1 ? 's' : ''}`,
    command: { program: values.python, parameters: [script, JSON.stringify(request)] },
  };
}

/** Starts all programs, and lets them take turns. */
async function inTurns(programs: readonly Program[]): Promise<Result[]> {
  const started: { name: string; contender: Contender; ready: Ready; milliseconds: number[] }[] = [];
  try {
    for (const { name, command } of programs) {
      console.error(`Starting: ${name}`);
      const contender = new Contender(command);
      started.push({ name, contender, ready: await contender.ready(TIMEOUT), milliseconds: [] });
    }
    for (let round = 0; round < rounds; round++) {
      console.error(`Round ${round + 1} of ${rounds}`);
      // In alternating order.
      for (const one of round % 2 === 0 ? started : started.toReversed()) {
        await sleep(PAUSE);
        one.milliseconds.push(...(await one.contender.turn({ warmUp: 0, steps: 1 }, TIMEOUT)));
      }
    }
    const results: Result[] = [];
    for (const { name, contender, ready, milliseconds } of started) {
      const { processorMilliseconds = NaN } = await contender.end(TIMEOUT);
      results.push({ name, ready, milliseconds, processor: processorMilliseconds });
    }
    return results;
  } finally {
    for (const { contender } of started) await contender.kill();
  }
}

const batches = Math.floor(pictures / BATCH);
const perSecond = (milliseconds: number): string => ((1000 * batches * BATCH) / milliseconds).toFixed(0);

try {
  mkdirSync(photos);
  console.error(`Writing ${pictures} JPEG files`);
  const bytes = await writePhotographs(photos, pictures);
  const hasTorch = spawnSync(values.python, ['-c', 'import torch, torchvision']).status === 0;
  if (!hasTorch)
    console.log(
      `${values.python} cannot import torch and torchvision, so that there is nothing to compare with; --python names another.`,
    );
  const loading = await inTurns([
    ours('tract-ts, 1 worker, 1 decoding thread', { workers: 1 }, 1),
    ...(hasTorch ? [pytorch(1)] : []),
    ours('tract-ts, 2 workers, 2 decoding threads', { workers: 2 }, 2),
    ...(hasTorch ? [pytorch(2)] : []),
    ours('tract-ts, 1 worker, as it is', { workers: 1 }),
    ours('tract-ts, 1 worker, pixels kept', { workers: 1, kept: true }),
  ]);
  console.log(
    `${pictures} JPEG files of 256 to 500 pixels a side, ${(bytes / 1000).toFixed(0)} kB in the mean, to batches of ${BATCH} random resized crops of ${SIZE} pixels; medians of ${rounds} epochs in turns`,
  );
  console.log(
    table([
      ['loader', 'pictures/s', 'slowest', 'fastest', 'processor ms a picture'],
      ...loading.map(({ name, milliseconds, processor }) => [
        name,
        perSecond(median(milliseconds)),
        perSecond(Math.max(...milliseconds)),
        perSecond(Math.min(...milliseconds)),
        (processor / (rounds * batches * BATCH)).toFixed(1),
      ]),
    ]),
  );
  const conditions = loading.find(({ ready }) => ready.conditions)?.ready.conditions;
  if (conditions !== undefined) console.log(`(${conditions})`);
  const [step, load, both] = await inTurns([
    ours('from memory', { training: 'memory', threads: 1 }),
    ours('loading alone', { workers: 1 }, 1),
    ours('streamed', { training: 'streamed', workers: 1, threads: 1 }, 1),
  ]);
  const each = ({ milliseconds }: Result): number => median(milliseconds) / batches;
  console.log(
    `\nA step of a ResNet-18 of width 16 on ${BATCH} such images, one thread for the step, one worker and one decoding thread; milliseconds, medians of ${rounds} epochs in turns`,
  );
  console.log(
    table([
      ['images from memory', 'loading alone', 'one after the other', 'streamed'],
      [each(step), each(load), each(step) + each(load), each(both)].map((value) => value.toFixed(0)),
    ]),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
