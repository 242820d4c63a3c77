import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataError } from '../data/data-error.js';
import { type ImageDataset, limit } from '../data/dataset.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import type { Model } from '../nn/model.js';
import { adam } from '../optim/adam.js';
import { constant, cosine } from '../optim/schedule.js';
import { sgd } from '../optim/sgd.js';
import type { Tensor } from '../tensor/tensor.js';
import { tract } from '../tract/tract.js';
import type { EpochEvent, StepEvent, TrainingEvent } from './events.js';
import { DivergenceError } from './divergence.js';
import type { FitOptions, FitResult, TrainerOptions } from './options.js';
import { StateError, type TrainingState } from './state.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 100, test: 23 });
const tiny = (): Model => tract(mlp({ width: 16, depth: 1 }));
/** Six steps an epoch; the last four images are left out. */
const options: TrainerOptions = {
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  schedule: cosine(0.05),
  batchSize: 16,
  seed: 1,
  threads: 1,
};

async function withTrainer<T>(
  use: (trainer: Trainer) => Promise<T>,
  changes: Partial<TrainerOptions> = {},
  model = tiny(),
): Promise<T> {
  const trainer = await Trainer.create(model, { ...options, ...changes });
  try {
    return await use(trainer);
  } finally {
    await trainer.release();
  }
}

interface Run extends FitResult {
  readonly state: TrainingState;
  readonly steps: readonly StepEvent[];
  readonly epochs: readonly EpochEvent[];
}

/** Fits, and keeps the events and a copy of the state. */
async function fit(trainer: Trainer, fitOptions: FitOptions, data = dataset): Promise<Run> {
  const steps: StepEvent[] = [];
  const epochs: EpochEvent[] = [];
  const result = await trainer.fit(data, {
    ...fitOptions,
    onEvent: async (event: TrainingEvent) => {
      if (event.event === 'step') steps.push(event);
      else if (event.event === 'epoch') epochs.push(event);
      await fitOptions.onEvent?.(event);
    },
  });
  return { ...result, state: structuredClone(trainer.state), steps, epochs };
}

const run = (fitOptions: FitOptions, changes: Partial<TrainerOptions> = {}, model = tiny()): Promise<Run> =>
  withTrainer((trainer) => fit(trainer, fitOptions), changes, model);

/** Aborts after the step of the given number. */
function stoppedAfter(step: number): Pick<FitOptions, 'onEvent' | 'signal'> {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.event === 'step' && event.step === step) controller.abort();
    },
  };
}

describe('training', () => {
  it('makes the loss fall and gets better than guessing', async () => {
    await withTrainer(
      async (trainer) => {
        const data = shapes({ train: 320, test: 50 });
        const { epochs } = await fit(trainer, { epochs: 5, augmentation: null }, data);
        assert.equal(epochs.length, 5);
        assert.ok(
          epochs[4].trainLoss < 0.85 * epochs[0].trainLoss,
          `${epochs[0].trainLoss}, ${epochs[4].trainLoss}`,
        );
        assert.ok(epochs[4].trainAccuracy > 0.25, `the accuracy is ${epochs[4].trainAccuracy}`);
      },
      { optimizer: adam(), schedule: cosine(0.01) },
      tract(resnet18({ width: 4 })),
    );
  });

  it('gives the same bits for the same seed, and others for another', async () => {
    const [first, again, other] = [
      await run({ epochs: 2 }),
      await run({ epochs: 2 }),
      await run({ epochs: 2 }, { seed: 2 }),
    ];
    assert.deepEqual(again.state, first.state);
    assert.deepEqual(again.evaluation, first.evaluation);
    assert.notDeepEqual(other.state.tensors, first.state.tensors);
    assert.notDeepEqual(
      other.steps.map(({ loss }) => loss),
      first.steps.map(({ loss }) => loss),
    );
  });

  it('reports every step and epoch', async () => {
    const { steps, epochs, evaluation, interrupted, state } = await run({ epochs: 2 });
    assert.equal(interrupted, false);
    assert.deepEqual(
      steps.map(({ step, epoch, steps: all }) => [step, epoch, all]),
      Array.from({ length: 12 }, (_, i) => [i + 1, i < 6 ? 1 : 2, 12]),
    );
    const schedule = cosine(0.05);
    assert.deepEqual(
      steps.map(({ learningRate }) => learningRate),
      Array.from({ length: 12 }, (_, i) => schedule.rate(i, 12)),
    );
    assert.deepEqual(
      epochs.map(({ epoch, step }) => [epoch, step]),
      [
        [1, 6],
        [2, 12],
      ],
    );
    const second = steps.slice(6);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / 6;
    assert.equal(epochs[1].trainLoss, mean(second.map(({ loss }) => loss)));
    assert.ok(Math.abs(epochs[1].trainAccuracy - mean(second.map(({ accuracy }) => accuracy))) < 1e-12);
    assert.deepEqual(evaluation, { loss: epochs[1].testLoss, accuracy: epochs[1].testAccuracy });
    assert.equal(state.progress.epoch, 2);
    assert.equal(state.progress.bestAccuracy, Math.max(...epochs.map(({ testAccuracy }) => testAccuracy)));
  });

  it('ends after maxSteps, with an evaluation', async () => {
    const { steps, epochs, evaluation, interrupted } = await run({ epochs: 3, maxSteps: 8 });
    assert.equal(steps.length, 8);
    assert.equal(steps[0].steps, 8);
    assert.equal(epochs.length, 2);
    assert.ok(evaluation);
    assert.equal(interrupted, false);
  });

  it('starts from given weights', async () => {
    const { state } = await run({ epochs: 1 });
    await withTrainer(
      (trainer) => {
        const weights = Object.fromEntries(
          Object.keys(trainer.weights).map((name) => [name, state.tensors[name]]),
        );
        trainer.load(weights);
        assert.deepEqual(trainer.weights, weights);
        assert.equal(trainer.progress.step, 0);
        const { 'layers.0.weight': first, ...rest } = weights;
        assert.throws(() => {
          trainer.load(rest);
        }, /"layers.0.weight" of float32 \[16, 3072\], which the checkpoint lacks/);
        const wrong: Tensor = { ...first, shape: [3072, 16] };
        assert.throws(() => {
          trainer.load({ ...rest, 'layers.0.weight': wrong });
        }, StateError);
        return Promise.resolve();
      },
      { seed: 9 },
    );
  });
});

describe('an interrupted run', () => {
  it('continues to the bits of one that was not', async () => {
    const whole = await run({ epochs: 3 });
    // In the middle of an epoch, at its end, and at the end of the run.
    for (const stop of [1, 8, 12, 18]) {
      const first = await run({ epochs: 3, ...stoppedAfter(stop) });
      assert.equal(first.interrupted, true);
      assert.equal(first.steps.length, stop);
      assert.equal(first.state.progress.step, stop);
      const rest = await withTrainer(
        async (trainer) => {
          trainer.restore(first.state);
          return fit(trainer, { epochs: 3 });
        },
        // What a new trainer draws itself does not matter.
        { seed: 77 },
      );
      assert.deepEqual(rest.state, whole.state, `stopped after step ${stop}`);
      assert.deepEqual(rest.evaluation, whole.evaluation);
      const withoutTimes = (events: readonly EpochEvent[]): unknown[] =>
        events.map((event) => ({ ...event, seconds: 0 }));
      assert.deepEqual(
        withoutTimes([...first.epochs, ...rest.epochs]),
        withoutTimes(whole.epochs),
        `stopped after step ${stop}`,
      );
    }
  });

  it('that is complete does nothing more', async () => {
    await withTrainer(async (trainer) => {
      const done = await fit(trainer, { epochs: 1 });
      const again = await fit(trainer, { epochs: 1 });
      assert.equal(again.steps.length + again.epochs.length, 0);
      assert.deepEqual(again.state, done.state);
      const further = await fit(trainer, { epochs: 2 });
      assert.deepEqual(
        further.steps.map(({ step, epoch }) => [step, epoch]),
        [7, 8, 9, 10, 11, 12].map((step) => [step, 2]),
      );
    });
  });

  it('does not stop within the evaluation of an epoch', async () => {
    const controller = new AbortController();
    const { interrupted, epochs } = await run({
      epochs: 2,
      signal: controller.signal,
      onEvent: ({ event }) => {
        if (event === 'epoch') controller.abort();
      },
    });
    assert.equal(interrupted, true);
    assert.equal(epochs.length, 1);
  });
});

describe('a loss that is no number any more', () => {
  it('stops the run and says at which step; the state is that of the step before', async () => {
    await withTrainer(
      async (trainer) => {
        let last: TrainingState | undefined;
        const fitting = trainer.fit(dataset, {
          epochs: 5,
          onEvent: () => {
            last = structuredClone(trainer.state);
          },
        });
        await assert.rejects(
          fitting,
          (error) =>
            error instanceof DivergenceError &&
            /^the loss became (NaN|Infinity) at step \d+ \(epoch \d\)/.test(error.message) &&
            error.message.includes(`at step ${trainer.progress.step + 1} `),
        );
        assert.ok(last, 'the first step was finite');
        assert.deepEqual(trainer.state, last);
      },
      { schedule: constant(1e12) },
    );
  });
});

describe('evaluation', () => {
  it('does not depend on the batch size, nor on the padding of the last batch', async () => {
    const model = resnet18({ width: 2 });
    const { state } = await run({ epochs: 1 }, {}, model);
    const results = [];
    // 23 test images: batches of one; 7 leaves two over; 64 is more than there are.
    for (const batchSize of [1, 7, 64]) {
      results.push(
        await withTrainer(
          async (trainer) => {
            trainer.load(
              Object.fromEntries(Object.keys(trainer.weights).map((name) => [name, state.tensors[name]])),
            );
            return trainer.evaluate(dataset);
          },
          { batchSize },
          model,
        ),
      );
    }
    for (const { loss, accuracy } of results) {
      assert.equal(accuracy, results[0].accuracy);
      assert.ok(Math.abs(loss - results[0].loss) < 1e-5, `${loss} and ${results[0].loss}`);
    }
  });

  it('is without label smoothing, and of whichever split is asked for', async () => {
    const initial = (labelSmoothing: number): Promise<unknown> =>
      withTrainer(
        async (trainer) => [await trainer.evaluate(dataset), await trainer.evaluate(dataset, dataset.train)],
        { labelSmoothing },
      );
    const [test, train] = (await initial(0)) as unknown[];
    assert.deepEqual(await initial(0.5), [test, train]);
    assert.notDeepEqual(train, test);
  });
});

describe('evaluation within epochs', () => {
  const evaluateEvery = 4;

  /** The steps of evaluations, those at the end of epochs as negative numbers. */
  async function evaluated(fitOptions: FitOptions, trainer: Trainer): Promise<number[]> {
    const found: number[] = [];
    await trainer.fit(dataset, {
      ...fitOptions,
      onEvent: async (event) => {
        if (event.event !== 'step') found.push(event.event === 'epoch' ? -event.step : event.step);
        await fitOptions.onEvent?.(event);
      },
    });
    return found;
  }

  it('comes before the first step and as often as asked, and changes nothing of the training', async () => {
    const plain = await run({ epochs: 2 });
    await withTrainer(async (trainer) => {
      assert.deepEqual(await evaluated({ epochs: 2, evaluateEvery }, trainer), [0, 4, -6, 8, -12]);
      assert.deepEqual(structuredClone(trainer.state), plain.state);
    });
  });

  it('is made up for where a run was stopped before it, and not repeated after an epoch', async () => {
    await withTrainer(async (trainer) => {
      const part = (step: number): FitOptions => ({ epochs: 2, evaluateEvery, ...stoppedAfter(step) });
      assert.deepEqual(await evaluated(part(4), trainer), [0]);
      assert.deepEqual(await evaluated(part(6), trainer), [4]);
      assert.deepEqual(await evaluated(part(11), trainer), [-6, 8]);
      assert.deepEqual(await evaluated({ epochs: 2, evaluateEvery }, trainer), [-12]);
      assert.deepEqual(await evaluated({ epochs: 2, evaluateEvery }, trainer), []);
    });
  });

  it('is refused every so many steps out of range', async () => {
    await withTrainer(async (trainer) => {
      for (const wrong of [0, -1, 1.5, NaN]) {
        await assert.rejects(trainer.fit(dataset, { epochs: 1, evaluateEvery: wrong }), /evaluateEvery must/);
      }
    });
  });
});

describe('what does not fit', () => {
  it('is refused: a dataset of other classes or images', async () => {
    await withTrainer(async (trainer) => {
      const fewer: ImageDataset = { ...dataset, classNames: dataset.classNames.slice(0, 9) };
      const message = /shapes has 9 classes of images \[3, 32, 32\], but this mlp takes 10 classes/;
      await assert.rejects(trainer.fit(fewer, { epochs: 1 }), message);
      await assert.rejects(trainer.evaluate(fewer), message);
    });
    const small = mlp({ imageSize: 16 });
    await withTrainer(
      (trainer) => assert.rejects(trainer.fit(dataset, { epochs: 1 }), /\[3, 16, 16\]/),
      {},
      small,
    );
  });

  it('is refused: a batch larger than the data', async () => {
    await withTrainer(async (trainer) => {
      const fitting = trainer.fit(limit(dataset, { train: 15 }), { epochs: 1 });
      await assert.rejects(
        fitting,
        (error) => error instanceof DataError && /batch of 16/.test(error.message),
      );
    });
  });

  it('is refused: batch sizes, seeds and smoothing out of range', async () => {
    const create = (changes: Partial<TrainerOptions>): Promise<Trainer> =>
      Trainer.create(tiny(), { ...options, ...changes });
    for (const batchSize of [0, -1, 1.5, NaN])
      await assert.rejects(create({ batchSize }), /the batch size must be a positive whole number, not/);
    await assert.rejects(create({ seed: 0.5 }), /a seed is a whole number, not 0.5/);
    await assert.rejects(create({ labelSmoothing: 1 }), /label smoothing/);
  });

  it('is refused: the state of another model or optimizer', async () => {
    const { state } = await run({ epochs: 1 });
    await withTrainer(
      (trainer) => {
        assert.throws(() => {
          trainer.restore(state);
        }, /"layers.0.weight" is float32 \[8, 3072\] in the model, but float32 \[16, 3072\] in the checkpoint/);
        return Promise.resolve();
      },
      {},
      mlp({ width: 8, depth: 1 }),
    );
    await withTrainer(
      (trainer) => {
        assert.throws(() => {
          trainer.restore(state);
        }, /a tensor "layers.0.weight\/exp_avg" .* which the checkpoint lacks/);
        return Promise.resolve();
      },
      { optimizer: adam() },
    );
    await withTrainer(
      (trainer) => {
        assert.throws(() => {
          trainer.restore(state);
        }, /the checkpoint has a tensor ".*\/momentum_buffer", which the model lacks/);
        return Promise.resolve();
      },
      { optimizer: sgd({ learningRate: 0.1 }) },
    );
  });
});
