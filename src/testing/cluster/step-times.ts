/**
 * A rank that times training steps of ResNet-18: fused, cut into as many shards as there are ranks, both by rank 0 alone with
 * a thread for each rank, and by all ranks with one thread each. The three take turns, so that what else the machine does
 * hits all of them.
 */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { shapes } from '../../data/shapes.js';
import { resnet18 } from '../../models/resnet.js';
import { mpiGroup } from '../../mpi/connect.js';
import { sgd } from '../../optim/sgd.js';
import { tract } from '../../tract/tract.js';
import { gathered } from '../../train/ranks.js';
import { Trainer } from '../../train/trainer.js';

const [rounds, batchSize] = process.argv.slice(2).map(Number);
const group = await mpiGroup();
assert.ok(group, 'started by no launcher');
const { rank, size } = group;

const { train, imageShape, mean, deviation } = shapes({ train: batchSize, test: 1 });
const pixels = imageShape.reduce((product, side) => product * side, 1);
const options = {
  optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }),
  batchSize,
  standardization: { mean, deviation },
};
const model = tract(resnet18());
const batchOf = (from: number, to: number) => ({
  images: Uint8Array.from(train.images.subarray(from * pixels, to * pixels)),
  labels: Array.from({ length: to - from }, (_, i) => train.labels[from + i]),
});
const rows = batchSize / size;
// All ranks compile all of it: none waits for longer than its own work takes.
const fused = await Trainer.create(model, { ...options, threads: size });
const cut = await Trainer.create(model, { ...options, threads: size, shards: size });
const together = await Trainer.create(model, { ...options, threads: 1, shards: size, group });
const whole = batchOf(0, batchSize);
const own = batchOf(rank * rows, (rank + 1) * rows);

const times: Record<'fused' | 'cut' | 'together' | 'waiting' | 'communication', number[]> = {
  fused: [],
  cut: [],
  together: [],
  waiting: [],
  communication: [],
};
const timed = async (step: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await step();
  const time = performance.now() - began;
  // So that no thread pool of one is busy while another is timed.
  await setTimeout(50);
  return time;
};
/** All wait here, which costs no processor time, while rank 0 works alone. */
const meet = (): Promise<unknown> => gathered(group, Int32Array.of(0));

for (let round = 0; round <= rounds; round++) {
  const found = {
    fused: rank === 0 ? await timed(() => fused.step(whole)) : 0,
    cut: rank === 0 ? await timed(() => cut.step(whole)) : 0,
  };
  await meet();
  let figures = { waitingSeconds: 0, communicationSeconds: 0 };
  const all = await timed(async () => {
    figures = { ...figures, ...(await together.step(own)) };
  });
  // The first one is slower than those after it.
  if (round === 0) continue;
  times.fused.push(found.fused);
  times.cut.push(found.cut);
  times.together.push(all);
  times.waiting.push(1000 * figures.waitingSeconds);
  times.communication.push(1000 * figures.communicationSeconds);
}
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
if (rank === 0) {
  const found = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
  const bytes = 4 * Object.values(await together.weights()).reduce((sum, { data }) => sum + data.length, 0);
  console.log(JSON.stringify({ size, bytes, ...found }));
}
await group.close();
