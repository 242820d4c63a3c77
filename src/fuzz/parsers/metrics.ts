/** `metrics.jsonl`, read where a run goes on and where a comparison draws its curves. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metrics } from '../../compare/record.js';
import type { TrainingEvent } from '../../train/events.js';
import { CheckpointError } from '../../train/json-check.js';
import { knownMetrics } from '../../train/metrics-line.js';
import { mutateBytes } from '../mutate-bytes.js';
import { mutateJson } from '../mutate-json.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';

const events: readonly TrainingEvent[] = [
  { event: 'evaluation', epoch: 1, step: 0, testLoss: 2.3, testAccuracy: 0.1 },
  {
    event: 'step',
    epoch: 1,
    step: 1,
    steps: 4,
    loss: 2.3,
    accuracy: 0.1,
    learningRate: 0.1,
    imagesPerSecond: 99,
  },
  {
    event: 'step',
    epoch: 1,
    step: 2,
    steps: 4,
    loss: 2.2,
    accuracy: 0.2,
    learningRate: 0.1,
    imagesPerSecond: 12.5,
  },
  {
    event: 'epoch',
    epoch: 1,
    step: 2,
    trainLoss: 2.25,
    trainAccuracy: 0.15,
    testLoss: 2.1,
    testAccuracy: 0.2,
    seconds: 1.5,
  },
  {
    event: 'step',
    epoch: 2,
    step: 3,
    steps: 4,
    loss: 2.1,
    accuracy: 0.2,
    learningRate: 0.1,
    imagesPerSecond: 1e5,
  },
];

const progress = {
  epoch: 1,
  stepInEpoch: 0,
  step: 2,
  lossSum: 0,
  correctSum: 0,
  bestAccuracy: 0.2,
  random: [1, 2, 3, 4],
} as const;

export const metrics: FuzzedParser = {
  name: 'metrics',
  seeds: () => Promise.resolve([encode(events.map((event) => `${JSON.stringify(event)}\n`).join(''))]),
  mutate(input, random) {
    if (random.integer(3) === 0) return mutateBytes(input, random);
    const lines = decode(input).split('\n');
    const at = random.integer(lines.length - 1);
    lines[at] = mutateJson(JSON.parse(lines[at]), random);
    return encode(lines.join('\n'));
  },
  async read(input, folder) {
    const known = knownMetrics(decode(input), progress).split('\n').filter(Boolean);
    for (const line of known) {
      const { event, step, epoch } = JSON.parse(line) as TrainingEvent;
      expect(event === 'epoch' ? epoch <= 1 : step <= 2, `a line of step ${step} is kept by a run at step 2`);
    }
    writeFileSync(join(folder, 'metrics.jsonl'), input);
    const read = await Metrics.read(folder, 10, [0, 2]);
    const { curve, secondsPerStep } = read;
    expect(
      curve.every(({ step }, i) => Number.isSafeInteger(step) && (i === 0 || step > curve[i - 1].step)),
      'the curve is not in the order of steps',
    );
    expect(secondsPerStep >= 0, 'the time of a step is no number');
    // A comparison makes such a run again.
    if (!read.has(0) || !read.has(2)) throw new CheckpointError('an evaluation is missing');
  },
  documented: (error) => error instanceof CheckpointError,
};
