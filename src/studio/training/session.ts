/** What is trained in the page: one run, or two that take turns, saved as they go on. */
import { chanceOf } from '../../compare/chance.js';
import { runSettings } from '../../compare/run-settings.js';
import { imageCount } from '../../data/dataset.js';
import { labelsOf } from '../../data/image-source.js';
import { DeviceError } from '../../engine/device.js';
import { isFileModel } from '../../models/file-model-options.js';
import { type Model, traceAlone } from '../../nn/model.js';
import { elementCount } from '../../tensor/tensor.js';
import { readWeights } from '../../train/checkpoint.js';
import { DivergenceError } from '../../train/divergence.js';
import { evaluationOf } from '../../train/events.js';
import { describeRun, stepsOf, stepsPerEpochOf } from '../../train/run-config.js';
import type { TrainerOptions } from '../../train/options.js';
import { Trainer } from '../../train/trainer.js';
import { messageOf, tell } from '../rpc.js';
import type { RunEngine, RunSpec, RunStatus, RunTold } from '../run-spec.js';
import { openData } from './data.js';
import { OPENED, chooseEngine, sameEngine, withoutGpu } from './engine.js';
import { keep, keptFile, readKept, restoredLanes } from './kept-run.js';
import { type KeptLane, Lane } from './lane.js';
import { augmentationFor, givenFor, mergedWeights, modelFor, trainerOptionsFor } from './model.js';
import type { OpenData } from './open-data.js';

/** Milliseconds of training that are lost at most when the tab is closed. */
const SAVE_EVERY = 8000;

/** What a run may start from. */
export interface RunFiles {
  /** An `.onnx` file. */
  readonly model?: Uint8Array;
  /** A safetensors file. */
  readonly weights?: Uint8Array;
}

const told = (what: RunTold): void => {
  tell(what);
};

/** The only one at a time. */
export class Session {
  readonly spec: RunSpec;
  readonly data: OpenData;
  readonly lanes: readonly Lane[];
  /** The bytes of the model's file, where it is out of one. */
  readonly source: Uint8Array | undefined;
  readonly engine: RunEngine;
  #status: RunStatus = 'paused';
  #saved = performance.now();
  #loop: Promise<void> | undefined;
  /** What others want of the lanes, between two turns. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(
    spec: RunSpec,
    data: OpenData,
    lanes: readonly Lane[],
    source: Uint8Array | undefined,
    engine: RunEngine,
  ) {
    this.spec = spec;
    this.data = data;
    this.lanes = lanes;
    this.source = source;
    this.engine = engine;
  }

  /** Builds a new run; it stands before its first step. */
  static async begin(spec: RunSpec, files: RunFiles): Promise<Session> {
    const data = await openData(spec.data);
    const lanes: Lane[] = [];
    try {
      const { dataset } = data;
      const model = await modelFor(spec.settings, dataset, files.model);
      const chosen = trainerOptionsFor(spec.settings);
      const engine = await engineFor(spec, model, chosen);
      const options = { ...chosen, device: engine.device };
      const { epochs } = spec.settings;
      const run = { epochs, augmentation: augmentationFor(spec.settings, dataset) };
      const weights = files.weights && readWeights(files.weights);
      for (const method of spec.methods) {
        told({
          told: 'doing',
          what: `Building the training step${spec.methods.length > 1 ? ` (${method})` : ''}…`,
        });
        const given = givenFor(model, method, spec.settings);
        const trainer = await Trainer.create(given, options);
        const config = describeRun(given, options, dataset, run);
        lanes.push(new Lane(method, trainer, config, dataset, { evaluateEvery: spec.evaluateEvery }));
        if (weights) trainer.load(mergedWeights(await trainer.weights(), weights).weights);
      }
      const source = isFileModel(model) ? model.file.bytes : undefined;
      const session = new Session(spec, data, lanes, source, engine);
      await session.#introduce();
      await session.save();
      return session;
    } catch (error) {
      for (const lane of lanes) await lane.release();
      data.close();
      throw error;
    } finally {
      told({ told: 'doing', what: null });
    }
  }

  /** The run that was kept; undefined where there is none. @throws Error for one that cannot go on, saying why */
  static async reopen(): Promise<{ readonly session: Session; readonly status: RunStatus } | undefined> {
    const file = await keptFile();
    if (!file) return undefined;
    told({ told: 'doing', what: 'Opening the run that is kept here…' });
    let data: OpenData | undefined;
    let lanes: readonly Lane[] = [];
    try {
      const run = await readKept(file);
      const { spec, source } = run;
      data = await openData(spec.data);
      let engine = await sameEngine(run.engine ?? OPENED);
      try {
        lanes = await restoredLanes(run, data.dataset, engine.device);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        engine = withoutGpu(engine, error.message);
        lanes = await restoredLanes(run, data.dataset, engine.device);
      }
      const session = new Session(spec, data, lanes, source, engine);
      await session.#introduce();
      return { session, status: run.status };
    } catch (error) {
      for (const lane of lanes) await lane.release();
      data?.close();
      throw error;
    } finally {
      told({ told: 'doing', what: null });
    }
  }

  get status(): RunStatus {
    return this.#status;
  }

  get step(): number {
    // One that diverged stays where it is, and the other goes on.
    const going = this.lanes.filter(({ done }) => !done);
    const steps = (of: readonly Lane[]): number[] => of.map(({ trainer }) => trainer.progress.step);
    return going.length > 0 ? Math.min(...steps(going)) : Math.max(...steps(this.lanes));
  }

  get steps(): number {
    const [{ config, trainer }] = this.lanes;
    return stepsOf(config, trainer.progress);
  }

  /** Trains on, until it is paused or done. */
  run(): void {
    if (this.#status !== 'paused' || this.spec.data.kind === 'none') return;
    this.#setStatus('running');
    this.#loop = this.#train();
  }

  /** Ends with the turn that is being made, and saves. */
  async pause(): Promise<void> {
    if (this.#status !== 'running') return;
    this.#status = 'paused';
    await this.#loop;
    await this.save();
    this.#setStatus('paused');
  }

  /** One step of each. */
  async stepOnce(): Promise<void> {
    if (this.#status !== 'paused' || this.spec.data.kind === 'none') return;
    await this.between(() => this.#turn());
    await this.#finishIfOver();
    this.#setStatus(this.#status);
  }

  /** Does something with the lanes while none of them is in a step. */
  readonly between = <T>(work: () => Promise<T>): Promise<T> => {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  };

  /** Keeps where it stands. */
  async save(): Promise<void> {
    await this.between(async () => {
      const lanes: KeptLane[] = [];
      for (const lane of this.lanes) lanes.push(await lane.kept());
      await keep({ spec: this.spec, status: this.#status, lanes, source: this.source, engine: this.engine });
      this.#saved = performance.now();
      told({ told: 'saved', step: this.step });
    });
  }

  /** Frees the sessions; what was saved is kept. */
  async close(): Promise<void> {
    this.#status = 'paused';
    await this.#loop;
    await this.#queue;
    for (const lane of this.lanes) await lane.release();
    this.data.close();
  }

  async #train(): Promise<void> {
    const begun = performance.now();
    const first = this.step;
    try {
      // A tab that is closed at once goes on as well.
      await this.save();
      while (this.#status === 'running') {
        await this.between(() => this.#turn());
        if (await this.#finishIfOver()) return;
        const seconds = (performance.now() - begun) / 1000;
        const made = this.step - first;
        const training = this.lanes.filter(({ done }) => !done).length;
        if (made > 0) {
          told({
            told: 'turn',
            step: this.step,
            secondsLeft: (seconds / made) * (this.steps - this.step),
            imagesPerSecond: (made * this.lanes[0].trainer.batchSize * training) / seconds,
          });
        }
        if (performance.now() - this.#saved > SAVE_EVERY) await this.save();
      }
    } catch (error) {
      this.#status = 'paused';
      told({ told: 'status', status: 'paused', step: this.step, problem: this.#stoppedBy(error) });
    }
  }

  /** Each lane to its next step, with the evaluations before it; or to its end. */
  async #turn(): Promise<void> {
    for (const [number, lane] of this.lanes.entries()) {
      try {
        for (;;) {
          const event = await lane.next();
          if (!event) break;
          if (event.event === 'step') {
            const { step, loss, accuracy, learningRate, imagesPerSecond } = event;
            const { filters, images } = await lane.seen(event);
            told({
              told: 'step',
              lane: number,
              ...{ step, loss, accuracy, learningRate, imagesPerSecond },
              ...(filters && { filters }),
              ...(images && { images }),
            });
            // What belongs to the last step is told with it: nothing comes behind.
            if (step < this.steps) break;
            continue;
          }
          told({ told: 'evaluation', lane: number, step: event.step, ...evaluationOf(event) });
        }
      } catch (error) {
        if (!(error instanceof DivergenceError)) throw error;
        lane.done = true;
        told({ told: 'diverged', lane: number, problem: error.message });
      }
    }
  }

  async #finishIfOver(): Promise<boolean> {
    if (!this.lanes.every(({ done }) => done)) return false;
    this.#status = 'finished';
    await this.save();
    this.#setStatus('finished');
    return true;
  }

  #stoppedBy(error: unknown): string {
    const message = messageOf(error);
    return this.engine.device === 'webgpu'
      ? `WebGPU has failed: ${message.split('\n')[0]}. Load the page again: the run goes on from where it was saved.`
      : message;
  }

  #setStatus(status: RunStatus): void {
    this.#status = status;
    told({ told: 'status', status, step: this.step });
  }

  async #introduce(): Promise<void> {
    for (const lane of this.lanes) await lane.look();
    const [{ config, trainer, unwatched }] = this.lanes;
    const { dataset } = this.data;
    const { parameters } = traceAlone(trainer.model, 1, false);
    const chance = chanceOf(labelsOf(dataset.test), dataset.classNames.length);
    told({
      told: 'run',
      spec: this.spec,
      engine: this.engine,
      steps: this.steps,
      stepsPerEpoch: stepsPerEpochOf(config),
      parameters: [...parameters.values()].reduce((sum, { value }) => sum + elementCount(value.shape), 0),
      modelName: trainer.model.name,
      settings: this.lanes.map((lane) => runSettings(lane.config)),
      classNames: dataset.classNames,
      trainImages: imageCount(dataset.train),
      testImages: imageCount(dataset.test),
      clearlyAbove: chance.clearlyAbove,
      ...(unwatched !== undefined && { unwatched }),
      before: this.lanes.map(({ past }) => past),
    });
    if (
      this.step >= this.steps &&
      this.lanes.every(({ trainer: { progress } }) => progress.stepInEpoch === 0)
    ) {
      for (const lane of this.lanes) lane.done = true;
      this.#status = 'finished';
    }
    told({ told: 'status', status: this.#status, step: this.step });
  }
}

/** What a new run is trained on: its own model is tried, with TrAct where that is among its methods. */
function engineFor(
  { settings, methods }: RunSpec,
  model: Model,
  options: TrainerOptions,
): Promise<RunEngine> {
  const method = methods.includes('tract') ? 'tract' : methods[0];
  const { name, config, classes, imageShape } = model;
  const { engine, optimizer, batchSize } = settings;
  const what = JSON.stringify([name, config, classes, imageShape, optimizer, batchSize, method]);
  return chooseEngine(engine, givenFor(model, method, settings), options, what, () => {
    told({ told: 'doing', what: 'Trying WebGPU: one of its steps is compared with one of WebAssembly…' });
  });
}
