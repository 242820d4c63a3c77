/** What makes the steps of a trainer, and the state that they change: those of the present stage. */
import type { Tensors } from '../engine/session.js';
import type { StateStore } from '../engine/state-store.js';
import type { StepRunner } from '../engine/step-runner.js';
import type { Trainable } from '../optim/trainable.js';
import { Random } from '../random/random.js';
import { initialCopies } from './initial-state.js';
import type { TrainerOptions } from './options.js';
import { atSize } from './progressive.js';
import { groupsInStage } from './stages.js';
import { checkState } from './state.js';
import {
  type CompiledStepOptions,
  type PreparedStep,
  compileStep,
  prepareStep,
  stepGraphs,
} from './step-maker.js';
import type { TrainingGraph } from './training-graph.js';

/** The step of a trainer in its present stage. */
export class TrainerStep {
  readonly #given: Trainable;
  readonly #options: TrainerOptions;
  #stage: number;
  #prepared: PreparedStep;
  /** Of images of their own size; made when it is needed. */
  #runner: StepRunner | undefined;
  /** Of smaller images, where such steps are being made. */
  #smaller: { readonly size: number; readonly runner: StepRunner } | undefined;
  /** What is no longer needed, and not yet freed. */
  #retired: StepRunner[] = [];

  private constructor(given: Trainable, options: TrainerOptions, stage: number, prepared: PreparedStep) {
    this.#given = given;
    this.#options = options;
    this.#stage = stage;
    this.#prepared = prepared;
  }

  /** @throws DeviceError, OptionError as `compileStep` */
  static async create(given: Trainable, options: TrainerOptions, stage: number): Promise<TrainerStep> {
    const prepared = prepareStep(given, optionsIn(stage, options));
    const step = new TrainerStep(given, options, stage, prepared);
    await step.runnerOf(undefined);
    return step;
  }

  get graph(): TrainingGraph {
    return this.#prepared.graph;
  }

  get store(): StateStore {
    return this.#prepared.store;
  }

  /** The parameters and buffers of the model. */
  get weightNames(): readonly string[] {
    return this.#prepared.weightNames;
  }

  get stage(): number {
    return this.#stage;
  }

  /** Begins a stage with the weights as they are. */
  async enter(stage: number): Promise<void> {
    const weights = await this.store.read(this.weightNames);
    this.#change(stage, prepareStep(this.#given, optionsIn(stage, this.#options)));
    this.store.write({ ...weights, ...initialCopies(this.graph, weights) });
  }

  /** Goes on in a stage with its state. @throws StateError naming the first tensor that is otherwise */
  restore(stage: number, state: Tensors): void {
    const isOther = stage !== this.#stage;
    const prepared = isOther ? prepareStep(this.#given, optionsIn(stage, this.#options)) : this.#prepared;
    checkState(prepared.store.types, state);
    if (isOther) this.#change(stage, prepared);
    this.store.write(state);
  }

  #change(stage: number, prepared: PreparedStep): void {
    this.store.release();
    for (const runner of [this.#runner, this.#smaller?.runner]) if (runner) this.#retired.push(runner);
    [this.#runner, this.#smaller] = [undefined, undefined];
    [this.#stage, this.#prepared] = [stage, prepared];
  }

  /** What makes steps of images of a size, or of their own; that of another smaller size is given up. */
  async runnerOf(size: number | undefined): Promise<StepRunner> {
    if (this.#smaller && this.#smaller.size !== size) {
      this.#retired.push(this.#smaller.runner);
      this.#smaller = undefined;
    }
    await this.#freeRetired();
    const options = optionsIn(this.#stage, this.#options);
    if (size === undefined) return (this.#runner ??= await compileStep(this.#prepared, options));
    if (!this.#smaller) {
      const given = { model: atSize(this.#given.model, size), transforms: this.#given.transforms };
      this.#smaller = { size, runner: await compileStep(stepGraphs(given, options), options) };
    }
    return this.#smaller.runner;
  }

  async release(): Promise<void> {
    for (const runner of [this.#runner, this.#smaller?.runner]) if (runner) this.#retired.push(runner);
    [this.#runner, this.#smaller] = [undefined, undefined];
    await this.#freeRetired();
    this.store.release();
  }

  async #freeRetired(): Promise<void> {
    const retired = this.#retired;
    this.#retired = [];
    for (const runner of retired) await runner.release();
  }
}

/** What the step of a stage is made with; of a run without stages the first is the only one. */
export function optionsIn(index: number, options: TrainerOptions): CompiledStepOptions {
  const { batchSize = 128, seed = 0, stages, groups, compile, mixing } = options;
  const chosen = stages ? groupsInStage(stages[index], groups) : groups;
  return {
    ...options,
    ...compile,
    batchSize,
    // Steps are counted anew in each stage, and what they draw is to be something else.
    seed: index === 0 ? seed : Random.fromSeed(seed, `stage/${index}`).bits(),
    softLabels: mixing !== undefined,
    ...(chosen && { groups: chosen }),
  };
}
