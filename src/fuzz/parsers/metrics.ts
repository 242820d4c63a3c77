/** `metrics.jsonl`, as it is read where a run goes on. */
import type { TrainingEvent } from '../../train/events.js';
import { knownMetrics } from '../../train/run-folder.js';
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

/** Not an error of the reader, which leaves out what is no event: it tells such inputs from those it takes whole. */
class LineLeftOut extends Error {}

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
  read(input) {
    const text = decode(input);
    const known = knownMetrics(text, progress).split('\n').filter(Boolean);
    for (const line of known) {
      const { event, step, epoch } = JSON.parse(line) as TrainingEvent;
      expect(event === 'epoch' ? epoch <= 1 : step <= 2, `a line of step ${step} is kept by a run at step 2`);
    }
    // The last of them is of a later step.
    if (known.length < events.length - 1) throw new LineLeftOut();
  },
  documented: (error) => error instanceof LineLeftOut,
};
