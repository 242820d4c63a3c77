/** The loop: epoch after epoch of steps and evaluations, as a sequence of events. */
import { batchCount } from '../data/batches.js';
import { type ImageDataset, followedSplit, imageCount } from '../data/dataset.js';
import type { Images } from '../data/image-source.js';
import { checkTransforms } from '../data/image-transforms.js';
import type { Batch } from '../data/loader.js';
import { mixBatch, mixStream } from '../data/mixing.js';
import { Random, type RandomState } from '../random/random.js';
import { checkRunOptions } from './check-options.js';
import { diverged } from './divergence.js';
import { type Evaluation, type TrainingEvent, figuresOf } from './events.js';
import { eventLoopTurn, loaderOf } from './loaders.js';
import type { ProcessGroup } from '../engine/process-group.js';
import type { FitResult, RunOptions, StepResult, TrainerOptions } from './options.js';
import { type Progress, initialProgress, totalSteps } from './progress.js';
import { anywhere } from './ranks.js';
import { SlowRanks } from './slow-ranks.js';
import { type NextStage, nextStage } from './stages.js';

/** A batch as a step takes it. */
export interface StepBatch {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  /** float32 [N, classes]; only where the trainer mixes. */
  readonly targets?: Float32Array;
}

/** Where a step is in its run. */
export interface StepPlan {
  /** Of the whole run. */
  readonly steps?: number;
  /** Where the run has stages. */
  readonly stage?: NextStage;
}

/** What the loop needs of a trainer. */
export interface Stepping {
  readonly batchSize: number;
  readonly progress: Progress;
  readonly options: Pick<TrainerOptions, 'mixing' | 'shards' | 'stages'>;
  /** Where this process is one of several. */
  readonly group: ProcessGroup | undefined;
  /** Images of a step that this process computes. */
  readonly rows: number;
  makeStep(batch: StepBatch, plan: StepPlan): Promise<StepResult>;
  evaluateSplit(
    dataset: ImageDataset,
    split: Images,
    signal: AbortSignal | undefined,
  ): Promise<Evaluation | undefined>;
  /** Makes sure that all processes have the same state. */
  agree(): Promise<void>;
  closeEpoch(progress: Progress): void;
}

/** @throws OptionError for an option out of range; otherwise as `Trainer.run` */
export async function* runEpochs(
  trainer: Stepping,
  dataset: ImageDataset,
  options: RunOptions,
): AsyncGenerator<TrainingEvent, FitResult, undefined> {
  checkRunOptions(options);
  const { epochs, maxSteps = Infinity, augmentation = dataset.augmentation, signal } = options;
  const { evaluateEvery = Infinity } = options;
  if (augmentation) checkTransforms('the augmentation of the dataset', augmentation);
  const { batchSize, group, rows } = trainer;
  const transforms = augmentation ?? dataset.evaluation;
  const followed = followedSplit(dataset);
  const plan = {
    batchSize,
    shuffle: true,
    last: 'drop' as const,
    ...(group && { rows: [group.rank * rows, (group.rank + 1) * rows] as const }),
    ...(transforms && { augmentation: transforms }),
  };
  const stepsPerEpoch = batchCount(imageCount(dataset.train), plan);
  const steps = totalSteps(trainer.progress, stepsPerEpoch, epochs, maxSteps);
  const loader = loaderOf(dataset, dataset.train);
  let evaluation: Evaluation | undefined;
  const result = (interrupted: boolean): FitResult => ({ interrupted, ...(evaluation && { evaluation }) });

  /** @returns whether it was made, and not interrupted */
  const evaluate = async (): Promise<boolean> => {
    const found = await trainer.evaluateSplit(dataset, followed.split, signal);
    if (!found) return false;
    checkEvaluation(found, followed.kind, trainer.progress);
    evaluation = found;
    return true;
  };
  /** Whether the run is to end here; of several processes all hear the same. */
  const isStopped = (): Promise<boolean> => anywhere(group, signal?.aborted ?? false);
  const slow = group && new SlowRanks(group);
  const isDue = (): boolean => evaluateEvery !== Infinity && trainer.progress.step % evaluateEvery === 0;
  const evaluationEvent = (): TrainingEvent => ({
    event: 'evaluation',
    step: trainer.progress.step,
    epoch: trainer.progress.epoch + 1,
    ...figuresOf(followed.kind, evaluation!),
  });

  const mixed = ({ images, labels, index }: Batch, random: RandomState): StepBatch => {
    const { mixing } = trainer.options;
    if (!mixing) return { images, labels };
    const { imageShape, classNames } = dataset;
    const { shards = group?.size ?? 1 } = trainer.options;
    const stream = mixStream(random, index);
    // Within shards: other processes have the images of others.
    const pieces = (shards * labels.length) / batchSize;
    return { images, ...mixBatch(images, labels, imageShape, classNames.length, mixing, stream, pieces) };
  };

  try {
    await trainer.agree();
    // Before the first step; or a run was stopped between a step and the evaluation after it. After a complete
    // epoch there is an evaluation already.
    const { step: begun, stepInEpoch: inEpoch } = trainer.progress;
    if ((begun === 0 || (inEpoch > 0 && inEpoch < stepsPerEpoch)) && begun < steps && isDue()) {
      if (!(await evaluate())) return result(true);
      yield evaluationEvent();
    }
    while (trainer.progress.step < steps || epochIsToBeClosed(trainer.progress, steps)) {
      const started = performance.now();
      const { epoch, stepInEpoch, random } = trainer.progress;
      let stepStarted = started;
      const { stages } = trainer.options;
      const stage = stages && nextStage(stages, trainer.progress, stepsPerEpoch, epochs, maxSteps);
      const stepPlan = { steps, ...(stage && { stage }) };
      const batches =
        trainer.progress.step < steps ? loader.epoch({ ...plan, epoch, random, start: stepInEpoch }) : [];
      for await (const batch of batches) {
        const made = await trainer.makeStep(mixed(batch, random), stepPlan);
        const seconds = (performance.now() - stepStarted) / 1000;
        const imagesPerSecond = batchSize / seconds;
        const { step, ...figures } = made;
        yield { event: 'step', step, steps, epoch: epoch + 1, ...figures, imagesPerSecond };
        // A step blocks the event loop, and a batch that is ready does not let it turn: whoever would abort the
        // signal, or draw a progress bar, gets the chance here.
        await eventLoopTurn();
        await slow?.look(seconds, made);
        if (await isStopped()) return result(true);
        if (step >= steps) break;
        if (trainer.progress.stepInEpoch < stepsPerEpoch && isDue()) {
          if (!(await evaluate())) return result(true);
          yield evaluationEvent();
        }
        // Whoever got the event may have taken their time (a checkpoint, say), which is no time of the next step.
        stepStarted = performance.now();
      }
      const {
        step,
        lossSum,
        correctSum,
        stepInEpoch: stepsDone,
        bestAccuracy,
        stage: made,
      } = trainer.progress;
      await trainer.agree();
      if (!(await evaluate())) return result(true);
      trainer.closeEpoch({
        ...initialProgress(nextEpoch(random), made),
        epoch: epoch + 1,
        step,
        // On the test images nothing is chosen.
        ...(dataset.validation && { bestAccuracy: Math.max(bestAccuracy, evaluation!.accuracy) }),
      });
      yield {
        event: 'epoch',
        epoch: epoch + 1,
        step,
        trainLoss: lossSum / stepsDone,
        trainAccuracy: correctSum / (stepsDone * batchSize),
        ...figuresOf(followed.kind, evaluation!),
        seconds: (performance.now() - started) / 1000,
      };
      await eventLoopTurn();
      if (await isStopped()) return result(trainer.progress.step < steps);
    }
    return result(false);
  } finally {
    await loader.close();
  }
}

/** Whether the run was stopped between its last step and the evaluation that belongs to it. */
function epochIsToBeClosed({ step, stepInEpoch }: Progress, steps: number): boolean {
  return step === steps && stepInEpoch > 0;
}

/** @throws DivergenceError */
function checkEvaluation({ loss }: Evaluation, kind: 'validation' | 'test', { step, epoch }: Progress): void {
  if (Number.isFinite(loss)) return;
  throw diverged(`the ${kind} loss became ${loss} after step ${step} (epoch ${epoch + 1})`);
}

/** The generator at the beginning of the next epoch. */
function nextEpoch(random: Progress['random']): Progress['random'] {
  return Random.fromState(random).fork('next epoch').state;
}
