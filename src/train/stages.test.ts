/** Runs in stages: the head first, then everything. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { vit } from '../models/vit.js';
import { adam } from '../optim/adam.js';
import { cosine } from '../optim/schedule.js';
import { OptionError } from '../tensor/option-error.js';
import { localRanks } from '../testing/local-group.js';
import { tract } from '../tract/tract.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint } from './checkpoint.js';
import type { TrainerOptions } from './options.js';
import { describeRun } from './run-config.js';
import { groupsInStage, stageAt } from './stages.js';
import type { TrainingState } from './state.js';
import { trainingGraph } from './training-graph.js';
import { Trainer } from './trainer.js';

/** Two steps an epoch. */
const dataset = shapes({ train: 32, test: 8 });
const model = mlp({ width: 8, depth: 1 });
const head = ['layers.1.weight', 'layers.1.bias'];
const optimizer = adam({ learningRate: cosine(0.01, { warmup: 1 }) });
const options: TrainerOptions = {
  optimizer,
  batchSize: 16,
  threads: 1,
  stages: [
    { parameters: 'head', epochs: 1 },
    { epochs: 2, learningRateFactor: 0.5 },
  ],
};

/** The rates of a run's steps, and its states after each of them, and before the first. */
async function follow(
  given: TrainerOptions,
  epochs = 3,
): Promise<{ rates: number[]; states: TrainingState[] }> {
  const trainer = await Trainer.create(model, given);
  const rates: number[] = [];
  const states = [await trainer.state()];
  for await (const event of trainer.run(dataset, { epochs })) {
    if (event.event !== 'step') continue;
    rates.push(event.learningRate);
    states.push(await trainer.state());
  }
  await trainer.release();
  return { rates, states };
}

const differing = (before: TrainingState, after: TrainingState): string[] =>
  after.weightNames.filter((name) => String(before.tensors[name].data) !== String(after.tensors[name].data));

describe('stages', () => {
  it('train what they name, each by a schedule of its own; the last one lasts to the end', async () => {
    const { rates, states } = await follow(options, 4);
    const rate = (step: number, steps: number): number => optimizer.schedule.rate(step, steps);
    assert.deepEqual(rates, [
      ...[0, 1].map((step) => rate(step, 2)),
      ...[0, 1, 2, 3, 4, 5].map((step) => 0.5 * rate(step, 6)),
    ]);
    assert.deepEqual(differing(states[0], states[2]), head);
    assert.deepEqual(differing(states[2], states[3]), [...states[0].weightNames]);
    assert.deepEqual(states.at(-1)!.progress.stage, { index: 1, step: 2 });
    assert.deepEqual(
      [0, 1, 2, 3, 9].map((epoch) => stageAt(options.stages!, epoch)),
      [0, 1, 1, 1, 1],
    );
  });

  it('are runs of their own that begin with the weights of the one before', async () => {
    const stages = [{ parameters: 'head', epochs: 1 }, { epochs: 2 }];
    const { states } = await follow({ ...options, emaDecay: 0.5, stages });
    const [between, end] = [states[2], states.at(-1)!];
    const alone = await Trainer.create(model, { optimizer, batchSize: 16, threads: 1, emaDecay: 0.5 });
    alone.load(Object.fromEntries(between.weightNames.map((name) => [name, between.tensors[name]])));
    // Its epochs have the images of those of the run.
    const { tensors } = await alone.state();
    const { random } = states[3].progress;
    alone.restore({
      ...between,
      tensors,
      progress: { epoch: 1, step: 0, stepInEpoch: 0, lossSum: 0, correctSum: 0, bestAccuracy: -1, random },
    });
    await alone.fit(dataset, { epochs: 3 });
    assert.deepEqual((await alone.state()).tensors, end.tensors);
    await alone.release();
  });

  it('are taken up at any step, to the same bits', async () => {
    const drawing = vit({ width: 8, depth: 1, heads: 1, patch: 16, dropPath: 0.3 });
    const given = tract(drawing);
    const own = { ...options, emaDecay: 0.9 };
    const config = describeRun(given, own, dataset, { epochs: 3 });
    assert.deepEqual(config.stages, [
      { parameters: ['head.weight', 'head.bias'], epochs: 1 },
      { epochs: 2, learningRateFactor: 0.5 },
    ]);
    const straight = await Trainer.create(given, own);
    const files: Uint8Array[] = [];
    const save = async (): Promise<void> =>
      void files.push(toCheckpoint({ config, state: await straight.state() }));
    await save();
    for await (const event of straight.run(dataset, { epochs: 3 })) if (event.event === 'step') await save();
    const end = await straight.state();
    // After an epoch the next stage has not begun.
    for (const file of [...files.slice(0, 4), toCheckpoint({ config, state: end })]) {
      const restored = await restoreTrainer(fromCheckpoint(file), { threads: 1 });
      await restored.fit(dataset, { epochs: 3 });
      assert.deepEqual(await restored.state(), end);
      await restored.release();
    }
    // A trainer that is in another stage, too.
    straight.restore(fromCheckpoint(files[1]).state);
    await straight.fit(dataset, { epochs: 3 });
    assert.deepEqual(await straight.state(), end);
    await straight.release();
  });

  it('cost no gradient of what they do not train', () => {
    const [first] = options.stages!;
    const groups = groupsInStage(first, [{ parameters: 'bias', trainable: false }]);
    const { graph, assignments } = trainingGraph(model, { batchSize: 2, optimizer, groups });
    const backward = new Set(graph.nodes.flatMap(({ scope }) => (scope.endsWith('/grad') ? [scope] : [])));
    assert.deepEqual([...backward], ['loss/grad', 'layers.1/grad']);
    const trained = [...assignments].filter(([, { trainable }]) => trainable);
    assert.deepEqual(
      trained.map(([name]) => name),
      ['layers.1.weight'],
    );
  });

  it('are the same in several processes', async () => {
    const cut = { ...options, shards: 2 };
    const { states } = await follow(cut);
    const ends = await Promise.all(
      localRanks(2).map(async (group) => {
        const trainer = await Trainer.create(model, { ...cut, group });
        await trainer.fit(dataset, { epochs: 3 });
        const state = await trainer.state();
        await trainer.release();
        return state;
      }),
    );
    for (const end of ends) assert.deepEqual(end.tensors, states.at(-1)!.tensors);
  });

  it('that cannot be are refused', async () => {
    const refused = (stages: TrainerOptions['stages'], pattern: RegExp): Promise<void> =>
      assert.rejects(
        Trainer.create(model, { ...options, stages: stages! }),
        (error) => error instanceof OptionError && pattern.test(error.message),
      );
    await refused([], /1 to 16 stages/);
    await refused([{ epochs: 0 }], /the epochs of stage 1 must be a positive/);
    await refused(
      [{ epochs: 1 }, { parameters: ['head', 'none'], epochs: 1 }],
      /stage 2: no parameter is "none"/,
    );
    await refused([{ parameters: () => false, epochs: 1 }], /stage 1 trains nothing/);
    await refused([{ epochs: 1, learningRateFactor: 0 }], /learningRateFactor of stage 1/);
    const { mean, deviation } = dataset;
    const trainer = await Trainer.create(model, { ...options, standardization: { mean, deviation } });
    const labels = new Int32Array(16);
    await assert.rejects(
      trainer.step({ images: new Uint8Array(16 * 3072), labels }),
      /stages are counted in epochs/,
    );
    await trainer.release();
  });
});
