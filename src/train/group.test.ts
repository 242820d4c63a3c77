/** Several processes that train together compute the bits of one, whatever their number. Here one process plays them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageDataset } from '../data/dataset.js';
import { inlineBatches } from '../data/batches.js';
import { shapes } from '../data/shapes.js';
import { ProcessGroupError } from '../engine/process-group.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { classAccuracy, topAccuracy } from '../nn/metrics.js';
import type { Model } from '../nn/model.js';
import { adam } from '../optim/adam.js';
import { sgd } from '../optim/sgd.js';
import type { Trainable } from '../optim/trainable.js';
import { OptionError } from '../tensor/option-error.js';
import { toNumbers } from '../tensor/tensor.js';
import { type LocalRank, localRanks } from '../testing/local-group.js';
import { tract } from '../tract/tract.js';
import type { TrainingEvent } from './events.js';
import { loadModel } from './load-model.js';
import type { FitOptions, FitResult, TrainerOptions } from './options.js';
import { slowRank } from './slow-ranks.js';
import type { TrainingState } from './state.js';
import { Trainer } from './trainer.js';

const dataset: ImageDataset = {
  ...shapes({ train: 30, test: 21 }),
  augmentation: [randomCrop({ padding: 4 }), randomHorizontalFlip()],
};
const options: TrainerOptions = {
  optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
  batchSize: 12,
  seed: 3,
  threads: 1,
};

interface Run {
  readonly state: TrainingState;
  /** But for times. */
  readonly events: readonly object[];
  readonly result: FitResult;
}

type RankOptions = (rank: number) => Partial<FitOptions>;

/** Trains in `size` processes, or without a group where that is 1; every rank has to end with the same state. */
async function train(
  given: Model | Trainable,
  size: number,
  changes: Partial<TrainerOptions>,
  fit: RankOptions = () => ({}),
  ranks: readonly LocalRank[] = localRanks(size),
): Promise<Run> {
  const one = async (rank: number): Promise<Run> => {
    const group = size === 1 ? {} : { group: ranks[rank] };
    const trainer = await Trainer.create(given, { ...options, ...changes, ...group });
    const events: TrainingEvent[] = [];
    try {
      const onEvent = (event: TrainingEvent): void => void events.push(event);
      const result = await trainer.fit(dataset, { epochs: 2, onEvent, ...fit(rank) });
      return { state: await trainer.state(), events: events.map(timeless), result };
    } finally {
      await trainer.release();
    }
  };
  const [first, ...others] = await Promise.all(Array.from({ length: size }, (_, rank) => one(rank)));
  for (const { state, events, result } of others) {
    assert.deepEqual(state, first.state);
    assert.deepEqual(result, first.result);
    assert.deepEqual(events, [], 'rank 0 alone tells');
  }
  return first;
}

const timeless = (event: TrainingEvent): object =>
  Object.fromEntries(Object.entries(event).filter(([name]) => !/second/i.test(name)));

const adaptive = adam({ learningRate: 0.003 });
const small = mlp({ width: 8, depth: 1 });
const patches = vit({ width: 12, depth: 1, heads: 2, patch: 8 });
const residual = resnet18({ width: 4 });
const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../../src/models/fixtures/${name}.onnx`, import.meta.url));
const imported = await loadModel(fixture('mobilenet.torchscript.training'));

describe('processes that train together', () => {
  const cases = {
    'an MLP by TrAct (dual form)': [tract(small), { metrics: [topAccuracy(3), classAccuracy] }, [2, 4]],
    'a ViT by TrAct and Adam': [tract(patches), { optimizer: adaptive }, [2, 4]],
    'a vanilla ViT': [patches, {}, [2]],
    'a ResNet by TrAct': [tract(residual), {}, [4]],
    'an imported MobileNet by TrAct and Adam': [tract(imported), { optimizer: adaptive }, [2, 4]],
    'an imported vanilla MobileNet': [imported, {}, [2]],
    'mixed images': [tract(small), { mixing: { mixup: 0.4, cutmix: 1 } }, [2, 4]],
    'a ViT with stochastic depth': [
      vit({ width: 12, depth: 2, heads: 2, patch: 8, dropPath: 0.3 }),
      { emaDecay: 0.9 },
      [4],
    ],
  } as const;
  for (const [what, [given, changes, sizes]] of Object.entries(cases)) {
    it(`compute the bits of one: ${what}`, async () => {
      const fit = (): Partial<FitOptions> => ({ epochs: 1 });
      const alone = await train(given, 1, { ...changes, shards: 4 }, fit);
      for (const size of sizes) {
        const together = await train(given, size, { ...changes, shards: 4 }, fit);
        assert.deepEqual(together.state, alone.state, `${size} processes`);
        assert.deepEqual(together.events, alone.events);
        assert.deepEqual(together.result, alone.result);
      }
    });
  }

  it('need not be a power of two, nor have whole halves of the shards', async () => {
    const changes = { shards: 6, optimizer: adaptive };
    const alone = await train(tract(small), 1, changes);
    for (const size of [2, 3, 6]) {
      const { state } = await train(tract(small), size, changes);
      assert.deepEqual(state, alone.state, `${size} processes`);
    }
  });

  it('would compute something else, were gradients transformed before they are added', async () => {
    // What an average of transformed gradients is: plain SGD on each half, by itself, and the mean of the weights.
    const rate = { optimizer: sgd({ learningRate: 0.05 }), shards: 2 };
    const { mean, deviation } = dataset;
    const step = async (size: number, rows: readonly [number, number], shards: number): Promise<number[]> => {
      const trainer = await Trainer.create(tract(small), {
        ...options,
        ...rate,
        shards,
        batchSize: size,
        standardization: { mean, deviation },
      });
      const plan = { batchSize: 12, shuffle: false, last: 'drop' as const, random: [1, 0, 0, 0] as const };
      for await (const batch of inlineBatches(dataset.train, dataset.imageShape, { ...plan, rows })) {
        await trainer.step(batch);
        break;
      }
      const [first] = Object.values(await trainer.weights());
      await trainer.release();
      return toNumbers(first);
    };
    const whole = await step(12, [0, 12], 2);
    const unsharded = await step(12, [0, 12], 1);
    const [first, second] = [await step(6, [0, 6], 1), await step(6, [6, 12], 1)];
    const distance = (other: (i: number) => number): number =>
      Math.sqrt(whole.reduce((sum, value, i) => sum + (value - other(i)) ** 2, 0));
    const rounding = distance((i) => unsharded[i]);
    const averaged = distance((i) => (first[i] + second[i]) / 2);
    assert.ok(rounding < 1e-5, `shards differ from the whole by ${rounding}`);
    assert.ok(averaged > 1000 * rounding, `the average of transformed gradients is only ${averaged} away`);
  });

  it('all stop after the same step, whoever is told to', async () => {
    const controller = new AbortController();
    const { result, state } = await train(small, 2, { shards: 2 }, (rank) =>
      rank === 1
        ? { signal: controller.signal }
        : {
            onEvent: (event) => {
              if (event.event === 'step' && event.step === 3) controller.abort();
            },
          },
    );
    assert.deepEqual([result.interrupted, state.progress.step], [true, 3]);
    const stopped = await train(small, 2, { shards: 2 }, () => ({
      onEvent: ({ event }) => (event === 'epoch' ? 'stop' : undefined),
    }));
    assert.deepEqual([stopped.result.interrupted, stopped.state.progress.epoch], [true, 1]);
  });

  it('say where one has another state, and go on with that of rank 0', async () => {
    const ranks = localRanks(2);
    const alone = await train(small, 1, { shards: 2 });
    const trainers = await Promise.all(
      ranks.map((group) => Trainer.create(small, { ...options, shards: 2, group })),
    );
    const weights = await trainers[1].weights();
    const [name, value] = Object.entries(weights)[1];
    trainers[1].load({ ...weights, [name]: { ...value, data: (value.data as Float32Array).map(() => 1) } });
    // So that both begin alike but for this.
    trainers[0].load(await trainers[0].weights());
    await Promise.all(trainers.map((trainer) => trainer.fit(dataset, { epochs: 2 })));
    assert.deepEqual(
      ranks[0].notices.map((text) => /"(.*)" of rank (\d)/.exec(text)?.slice(1)),
      [[name, '1']],
    );
    for (const trainer of trainers) {
      assert.deepEqual(await trainer.state(), alone.state);
      await trainer.release();
    }
  });

  it('are refused with one sentence where they were not given the same', async () => {
    const differing = async (
      given: (rank: number) => Partial<TrainerOptions>,
      data?: ImageDataset,
      models: readonly Model[] = [small, small],
    ) => {
      const outcomes = await Promise.allSettled(
        localRanks(2).map(async (group) => {
          const model = models[group.rank];
          const trainer = await Trainer.create(model, { ...options, shards: 2, group, ...given(group.rank) });
          try {
            await trainer.fit(data && group.rank === 1 ? data : dataset, { epochs: 1 });
          } finally {
            await trainer.release();
          }
        }),
      );
      return outcomes.map((outcome) => {
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof ProcessGroupError);
        return outcome.reason.message;
      });
    };
    const [first, second] = await differing((rank) => ({ seed: rank }));
    assert.equal(first, 'the processes were not given the same seed: 0 on rank 0, but 1 on rank 1');
    assert.equal(second, first);
    const { images, labels } = shapes({ train: 30, test: 21 }).train;
    const changed = { ...dataset, train: { images: images.map((pixel) => pixel ^ 1), labels } };
    assert.match(
      (await differing(() => ({}), changed))[0],
      /^the processes .* same training images: \{"images":30/,
    );
    const files = [imported, await loadModel(fixture('mobilenet.dynamo.training'))];
    assert.match(
      (await differing(() => ({}), undefined, files))[0],
      /^the processes .* same model: \{"name":"onnx","config":\{"sha256….*" on rank 0, but .* on rank 1$/,
    );
  });

  it('divide the shards among them equally', async () => {
    const group = localRanks(4)[0];
    await assert.rejects(
      Trainer.create(small, { ...options, shards: 6, group }),
      (error) =>
        error instanceof OptionError && /^6 shards cannot be divided among 4 processes/.test(error.message),
    );
  });

  it('of which one is slow are told apart', () => {
    assert.equal(slowRank([1, 1.1, 0.9, 1.2]), undefined);
    assert.deepEqual(slowRank([1, 1.1, 2, 0.9]), { rank: 2, own: 2, others: 1 });
    assert.deepEqual(slowRank([1, 4]), { rank: 1, own: 4, others: 1 });
    assert.equal(slowRank([0.0001, 0.0004]), undefined, 'differences of no time are no matter');
  });
});
