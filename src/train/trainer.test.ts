import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataError } from '../data/data-error.js';
import { type ImageDataset, limit } from '../data/dataset.js';
import { shapes } from '../data/shapes.js';
import { splitValidation } from '../data/split-validation.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import type { Model } from '../nn/model.js';
import { adam } from '../optim/adam.js';
import { cosine } from '../optim/schedule.js';
import { sgd } from '../optim/sgd.js';
import type { Trainable } from '../optim/trainable.js';
import type { Tensor } from '../tensor/tensor.js';
import { tract } from '../tract/tract.js';
import type { EpochEvent, StepEvent, TrainingEvent } from './events.js';
import { weightsOf } from './checkpoint.js';
import { DivergenceError } from './divergence.js';
import type { FitOptions, FitResult, TrainerOptions } from './options.js';
import { BusyError } from './state-lock.js';
import { StateError, type TrainingState } from './state.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 100, test: 23 });
const tiny = (): Trainable => tract(mlp({ width: 16, depth: 1 }));
/** Six steps an epoch; the last four images are left out. */
const options: TrainerOptions = {
  optimizer: sgd({ learningRate: cosine(0.05), momentum: 0.9 }),
  batchSize: 16,
  seed: 1,
  threads: 1,
};

async function withTrainer<T>(
  use: (trainer: Trainer) => Promise<T>,
  changes: Partial<TrainerOptions> = {},
  model: Model | Trainable = tiny(),
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
    onEvent: (event: TrainingEvent) => {
      if (event.event === 'step') steps.push(event);
      else if (event.event === 'epoch') epochs.push(event);
      return fitOptions.onEvent?.(event);
    },
  });
  return { ...result, state: await trainer.state(), steps, epochs };
}

const run = (
  fitOptions: FitOptions,
  changes: Partial<TrainerOptions> = {},
  model: Model | Trainable = tiny(),
): Promise<Run> => withTrainer((trainer) => fit(trainer, fitOptions), changes, model);

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
      { optimizer: adam({ learningRate: cosine(0.01) }) },
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
    assert.equal(state.progress.bestAccuracy, -1, 'nothing is chosen on the test images');
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
      async (trainer) => {
        const weights = weightsOf(state);
        trainer.load(weights);
        assert.deepEqual(await trainer.weights(), weights);
        assert.equal(trainer.progress.step, 0);
        const { 'layers.0.weight': first, ...rest } = weights;
        assert.throws(() => {
          trainer.load(rest);
        }, /"layers.0.weight" of float32 \[16, 3072\], which the checkpoint lacks/);
        const wrong: Tensor = { ...first, shape: [3072, 16] };
        assert.throws(() => {
          trainer.load({ ...rest, 'layers.0.weight': wrong });
        }, StateError);
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
          onEvent: async () => {
            last = await trainer.state();
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
        assert.deepEqual(await trainer.state(), last);
      },
      { optimizer: sgd({ learningRate: 1e12, momentum: 0.9 }) },
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
            trainer.load(weightsOf(state));
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
      onEvent: (event) => {
        if (event.event !== 'step') found.push(event.event === 'epoch' ? -event.step : event.step);
        return fitOptions.onEvent?.(event);
      },
    });
    return found;
  }

  it('comes before the first step and as often as asked, and changes nothing of the training', async () => {
    const plain = await run({ epochs: 2 });
    await withTrainer(async (trainer) => {
      assert.deepEqual(await evaluated({ epochs: 2, evaluateEvery }, trainer), [0, 4, -6, 8, -12]);
      assert.deepEqual(await trainer.state(), plain.state);
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

describe('a dataset with validation images', () => {
  const split = splitValidation(dataset, { share: 0.2, seed: 4 });

  it('is followed on them, and its test images are not looked at', async () => {
    const untouched = new Proxy(split.test, {
      get(target, key: 'images' | 'labels') {
        // Before the first step they are checked.
        assert.ok(!training, `the ${key} of the test split were looked at`);
        return target[key];
      },
    });
    let training = false;
    const found: TrainingEvent[] = [];
    await withTrainer(async (trainer) => {
      const { evaluation } = await trainer.fit(
        { ...split, test: untouched },
        {
          epochs: 3,
          evaluateEvery: 3,
          onEvent: (event) => {
            training = true;
            if (event.event !== 'step') found.push(event);
          },
        },
      );
      assert.deepEqual(await trainer.evaluate(split, split.validation), evaluation);
      const epochs = found.filter(({ event }) => event === 'epoch');
      const accuracies = epochs.map((event) => (event.event === 'epoch' ? event.validationAccuracy! : 0));
      assert.equal(accuracies.length, 3);
      assert.equal(trainer.progress.bestAccuracy, Math.max(...accuracies));
      assert.equal(accuracies[2], evaluation!.accuracy);
    });
    assert.ok(found.some(({ event }) => event === 'evaluation'));
    for (const event of found) {
      assert.ok('validationLoss' in event && 'validationAccuracy' in event);
      assert.ok(!('testLoss' in event || 'testAccuracy' in event));
    }
  });

  it('trains to the bits it would without them', async () => {
    const { validation, setAside, ...rest } = split;
    assert.ok(validation && setAside);
    const states = [];
    for (const data of [split, rest]) {
      states.push((await withTrainer((trainer) => fit(trainer, { epochs: 2 }, data))).state.tensors);
    }
    assert.deepEqual(states[0], states[1]);
  });

  it('gives some of its weights, and names one that it does not have', async () => {
    await withTrainer(async (trainer) => {
      const all = await trainer.weights();
      assert.deepEqual(await trainer.weights(['layers.0.bias']), { 'layers.0.bias': all['layers.0.bias'] });
      await assert.rejects(trainer.weights(['layers.9.bias']), /has no weights "layers.9.bias"/);
    });
  });

  it('has other weights than those of the end tested, if they are asked for', async () => {
    await withTrainer(async (trainer) => {
      await trainer.fit(split, { epochs: 1 });
      const first = await trainer.evaluate(split);
      const weights = await trainer.weights();
      await trainer.fit(split, { epochs: 2 });
      assert.notDeepEqual(await trainer.evaluate(split), first);
      assert.deepEqual(await trainer.evaluateWeights(weights, split), first);
      const signal = AbortSignal.abort();
      assert.equal(await trainer.evaluateWeights(weights, split, { signal }), undefined);
      await assert.rejects(trainer.evaluateWeights({}, split), StateError);
    });
  });
});

describe('a trainer that is fitting', () => {
  it('refuses a second fit and whatever needs or replaces its weights; the first is as if alone', async () => {
    const alone = await run({ epochs: 2 });
    await withTrainer(async (trainer) => {
      const first = fit(trainer, { epochs: 2 });
      const [weights, began] = [await trainer.weights(), await trainer.state()];
      await assert.rejects(trainer.fit(dataset, { epochs: 1 }), BusyError);
      await assert.rejects(trainer.evaluate(dataset), BusyError);
      await assert.rejects(trainer.evaluateWeights(weights, dataset), BusyError);
      await assert.rejects(trainer.predict(dataset.test.images), BusyError);
      assert.throws(() => {
        trainer.load(weights);
      }, BusyError);
      assert.throws(() => {
        trainer.restore(began);
      }, BusyError);
      // Reading them is fine.
      assert.ok((await trainer.weights())['layers.0.weight']);
      const { state, evaluation } = await first;
      assert.deepEqual(state, alone.state);
      assert.deepEqual(evaluation, alone.evaluation);
    });
  });

  it('evaluates and predicts where it waits for a handler, and the training stays the same', async () => {
    const alone = await run({ epochs: 2 });
    await withTrainer(async (trainer) => {
      const kept: Promise<unknown>[] = [];
      const { state } = await fit(trainer, {
        epochs: 2,
        onEvent: async (event) => {
          if (event.event === 'step' && event.step % 4 === 0) {
            const { loss } = await trainer.evaluate(dataset);
            // Not waited for here, and yet of the weights of this step.
            kept.push(
              trainer.evaluate(dataset).then((again) => {
                assert.equal(again.loss, loss);
              }),
            );
            await trainer.predict(dataset.test.images);
            await assert.rejects(trainer.fit(dataset, { epochs: 1 }), BusyError);
          }
        },
      });
      assert.equal(kept.length, 3);
      await Promise.all(kept);
      assert.deepEqual(state, alone.state);
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

  it('is refused before the first step: labels, statistics and splits that are none', async () => {
    const labels = Uint8Array.from(dataset.train.labels);
    labels[99] = 10;
    const empty = { images: new Uint8Array(0), labels: new Uint8Array(0) };
    const wrong: [ImageDataset, RegExp][] = [
      [
        { ...dataset, train: { ...dataset.train, labels } },
        /training split of shapes: the label of image 99/,
      ],
      [{ ...dataset, test: empty }, /The test split of shapes holds no images/],
      [{ ...dataset, validation: empty }, /The validation split of shapes holds no images/],
      [{ ...dataset, mean: [125, 123, 114] }, /shapes: mean\[0\] is 125/],
      [{ ...dataset, deviation: [1, 1] }, /shapes: deviation has 2 numbers/],
    ];
    await withTrainer(async (trainer) => {
      for (const [data, message] of wrong) {
        await assert.rejects(trainer.fit(data, { epochs: 1 }), (error) => {
          assert.ok(error instanceof DataError);
          assert.match(error.message, message);
          return true;
        });
      }
      await assert.rejects(trainer.evaluate(wrong[0][0], wrong[0][0].train), wrong[0][1]);
      assert.equal(trainer.progress.step, 0);
      // A trainer that refused wrong statistics has not taken them over.
      await trainer.fit(dataset, { epochs: 1 });
      const own = await trainer.state();
      assert.deepEqual(own.standardization!.mean, dataset.mean);
      const state = { ...own, standardization: { mean: [125, 1, 1], deviation: [1, 1, 1] } };
      assert.throws(() => {
        trainer.restore(state);
      }, /The state of the run: mean\[0\] is 125/);
    });
  });

  it('is refused: numbers of epochs and steps that are none', async () => {
    await withTrainer(async (trainer) => {
      for (const wrong of [
        { epochs: NaN },
        { epochs: 1.5 },
        { epochs: 0 },
        { epochs: 1, maxSteps: NaN },
        { epochs: 1, maxSteps: 1.5 },
      ]) {
        await assert.rejects(trainer.fit(dataset, wrong), RangeError);
      }
      assert.equal(trainer.progress.step, 0);
    });
  });

  it('is refused: a model that gives other logits than it declares', async () => {
    const model: Model = { ...mlp({ classes: 7 }), classes: 10 };
    await assert.rejects(
      Trainer.create(model, options),
      /mlp: its forward pass gives float32 \[16, 7\], but logits of 10 classes are float32 \[16, 10\]/,
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
    await assert.rejects(create({ threads: 0 }), /threads must be a positive whole number, not 0/);
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
