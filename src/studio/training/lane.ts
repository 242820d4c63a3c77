/** One of the runs that the page trains: a trainer, its loop, and the lines of its metrics. */
import { pixelStatistics } from '../../compare/activation-update.js';
import { mean } from '../../compare/statistics.js';
import type { ImageDataset } from '../../data/dataset.js';
import type { Batch } from '../../data/loader.js';
import type { Tensors } from '../../engine/session.js';
import type { Model } from '../../nn/model.js';
import { FirstLayerError } from '../../tract/first-layer.js';
import { type Checkpoint, restoreTrainer, toCheckpoint } from '../../train/checkpoint.js';
import { checkFinite } from '../../train/divergence.js';
import { type TrainingEvent, evaluationOf } from '../../train/events.js';
import { knownMetrics, parseMetricsLine } from '../../train/metrics-line.js';
import type { FitResult, RunOptions } from '../../train/options.js';
import type { RunConfig } from '../../train/run-config.js';
import { runOptionsOf } from '../../train/run-parts.js';
import type { Trainer } from '../../train/trainer.js';
import type { EngineDevice, FilterValues, MovedImages, PastFigure } from '../run-spec.js';
import type { Method } from '../settings.js';
import { watched } from './data.js';
import { threads } from './threads.js';
import { UpdateWatch } from './watch.js';

/** A step with what the page draws of it. */
export interface SeenStep {
  readonly event: Extract<TrainingEvent, { event: 'step' }>;
  readonly filters: FilterValues | undefined;
  readonly images?: MovedImages;
}

/** What a lane is kept as. */
export interface KeptLane {
  readonly method: Method;
  /** Lines of `metrics.jsonl`. */
  readonly metrics: string;
  readonly checkpoint: Uint8Array;
}

export class Lane {
  readonly method: Method;
  readonly trainer: Trainer;
  readonly config: RunConfig;
  readonly dataset: ImageDataset;
  /** Why there is no ‖Δz‖. */
  unwatched: string | undefined;
  done = false;
  readonly #lines: string[];
  readonly #options: RunOptions;
  #events: AsyncGenerator<TrainingEvent, FitResult, undefined> | undefined;
  #watch: UpdateWatch | undefined;
  /** Before the next step. */
  #weights: Tensors | undefined;
  #batch: { readonly images: Uint8Array; readonly labels: Int32Array } | undefined;

  /** @param metrics what was told before, up to where the trainer stands */
  constructor(
    method: Method,
    trainer: Trainer,
    config: RunConfig,
    dataset: ImageDataset,
    { evaluateEvery, metrics = '' }: { readonly evaluateEvery: number; readonly metrics?: string },
  ) {
    this.method = method;
    this.trainer = trainer;
    this.config = config;
    this.dataset = watched(dataset, (batch) => {
      this.#keep(batch);
    });
    this.#lines = knownMetrics(metrics, trainer.progress).split('\n').filter(Boolean);
    this.#options = { ...runOptionsOf(config), evaluateEvery };
  }

  /** A lane that stands where a checkpoint does. @param model the one in a file, where it is out of one */
  static async restore(
    method: Method,
    checkpoint: Checkpoint,
    dataset: ImageDataset,
    options: {
      readonly evaluateEvery: number;
      readonly metrics: string;
      readonly device: EngineDevice;
      readonly model?: Model;
    },
  ): Promise<Lane> {
    const { model, device, ...others } = options;
    const trainer = await restoreTrainer(checkpoint, { device, threads, ...(model && { model }) });
    return new Lane(method, trainer, checkpoint.config, dataset, others);
  }

  /** Begins to look at the first layer; for a model without a single one it says so. */
  async look(): Promise<void> {
    try {
      this.#watch = await UpdateWatch.create(this.trainer.trainable, this.trainer.batchSize, threads);
      this.#weights = await this.trainer.weights(this.#watch.names);
    } catch (error) {
      if (!(error instanceof FirstLayerError)) throw error;
      this.unwatched = error.message;
    }
  }

  /** The next event; undefined where the run is over. @throws as `Trainer.run` */
  async next(): Promise<TrainingEvent | undefined> {
    if (this.done) return undefined;
    this.#events ??= this.trainer.run(this.dataset, this.#options);
    const { done, value } = await this.#events.next();
    if (done) {
      this.done = true;
      return undefined;
    }
    this.#lines.push(JSON.stringify(value));
    return value;
  }

  /** A step with the filters behind it, and how far it has moved the images of its batch. */
  async seen(event: SeenStep['event']): Promise<SeenStep> {
    const [watch, before, batch] = [this.#watch, this.#weights, this.#batch];
    if (!watch || !before) return { event, filters: undefined };
    // No others, so that on a GPU the state stays there.
    const weights = await this.trainer.weights(watch.names);
    this.#weights = weights;
    const first = weights[watch.weightName];
    const filters = { shape: first.shape, data: (first.data as Float32Array).slice() };
    if (!batch) return { event, filters };
    const { images, labels } = batch;
    const standardization = this.trainer.standardization!;
    const moved = await watch.moved(before, first, standardization, images, labels);
    const statistics = pixelStatistics(images, labels.length);
    return { event, filters, images: { ...statistics, moved, zero: mean(standardization.mean) } };
  }

  /** What the run has told so far. */
  get past(): PastFigure[] {
    return this.#lines.flatMap((line): PastFigure[] => {
      const known = parseMetricsLine(line);
      if (!known) return [];
      const event = known as unknown as TrainingEvent;
      if (event.event === 'step') {
        const { step, loss, accuracy } = event;
        return [{ kind: 'step', step, loss, accuracy }];
      }
      const { loss, accuracy } = evaluationOf(event);
      return [{ kind: 'evaluation', step: event.step, loss, accuracy }];
    });
  }

  /** @throws as `checkpoint` */
  async kept(): Promise<KeptLane> {
    return { method: this.method, metrics: this.metrics, checkpoint: await this.checkpoint() };
  }

  get metrics(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  /** The bytes of a checkpoint of where it stands. @throws DivergenceError for a state with a number that is none */
  async checkpoint(): Promise<Uint8Array> {
    const state = await this.trainer.state();
    checkFinite(state.tensors, state.progress.step);
    return toCheckpoint({ config: this.config, state });
  }

  /** Frees the sessions; a run that goes on is ended where it stands. */
  async release(): Promise<void> {
    await this.#events?.return({ interrupted: true });
    await this.#watch?.release();
    await this.trainer.release();
  }

  #keep({ images, labels }: Batch): void {
    // Buffers of a loader are used again.
    this.#batch = { images: images.slice(), labels: labels.slice() };
  }
}
