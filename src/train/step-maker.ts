/** The training step of a model, with its initial state, and compiled: one graph, or two around a sum over shards. */
import type { CompileOptions } from '../engine/compile.js';
import { type Interval, type ProcessGroup, shardsOf } from '../engine/process-group.js';
import type { Tensors } from '../engine/session.js';
import { StateStore } from '../engine/state-store.js';
import { type StepRunner, fusedStep, shardedStep } from '../engine/step-runner.js';
import type { Graph } from '../graph/graph.js';
import { nextName } from '../graph/state-names.js';
import type { Trainable } from '../optim/trainable.js';
import { OptionError } from '../tensor/option-error.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { initialSlots, initialWeights } from './initial-state.js';
import {
  type TrainingGraph,
  type TrainingGraphOptions,
  gradientGraph,
  trainingGraph,
  updateGraph,
} from './training-graph.js';

/** The graphs of a step. */
export interface StepGraphs {
  /** The whole step, or of several shards its first half. */
  readonly graph: TrainingGraph;
  /** The second half, where there are several shards. */
  readonly update: Graph | undefined;
}

/** A step that has still to be compiled, and the state that it begins with. */
export interface PreparedStep extends StepGraphs {
  readonly store: StateStore;
  /** The parameters and buffers of the model. */
  readonly weightNames: readonly string[];
}

export interface CompiledStepOptions extends TrainingGraphOptions, CompileOptions {
  readonly seed: number;
  /** The processes that the shards are divided among. Default: this one makes them all. */
  readonly group?: ProcessGroup;
}

/** @throws OptionError where the shards cannot be divided among the processes */
export function stepGraphs(given: Trainable, options: CompiledStepOptions): StepGraphs {
  const { shards = 1, group } = options;
  if (group && shards % group.size !== 0) {
    throw new OptionError(
      `${shards} shards cannot be divided among ${group.size} processes; the number of shards is a multiple of that of processes`,
    );
  }
  const graph = shards === 1 ? trainingGraph(given, options) : gradientGraph(given, options);
  return { graph, update: shards === 1 ? undefined : updateGraph(given, options) };
}

/** @throws OptionError as `stepGraphs` */
export function prepareStep(given: Trainable, options: CompiledStepOptions): PreparedStep {
  const { graph, update } = stepGraphs(given, options);
  const weights = initialWeights(graph, options.seed);
  const state = { ...weights, ...initialSlots(graph, given.transforms, weights) };
  return {
    graph,
    update,
    store: storeOf(update ?? graph.graph, state),
    weightNames: Object.keys(weights),
  };
}

/** What makes the steps. @throws DeviceError where the device is not available */
export async function compileStep(
  { graph, update }: StepGraphs,
  options: CompiledStepOptions,
): Promise<StepRunner> {
  const { shards = 1, group, device, rewrites, threads, profile, onStage } = options;
  const compileOptions: CompileOptions = {
    ...(device !== undefined && { device }),
    ...(rewrites && { rewrites }),
    ...(threads !== undefined && { threads }),
    ...(profile !== undefined && { profile }),
    ...(onStage && { onStage }),
  };
  if (!update) return fusedStep(graph.graph, compileOptions);
  return shardedStep(graph.graph, update, {
    ...compileOptions,
    shards,
    shardOf: shardOf(group ? shardsOf(shards, group) : [0, shards]),
    ...(group && { group }),
  });
}

/** What a step changes of the state is what the graph gives a next value of. */
function storeOf({ outputs }: Graph, state: Tensors): StateStore {
  const changes = ([name]: [string, Tensor]): boolean => outputs.has(nextName(name));
  const entries = Object.entries(state);
  return new StateStore(
    Object.fromEntries(entries.filter(changes)),
    Object.fromEntries(entries.filter((entry) => !changes(entry))),
  );
}

/** The images and labels of one of the shards that are there, in the order of the batch; the other inputs as they are. */
function shardOf([first, end]: Interval): (inputs: Tensors, shard: number) => Tensors {
  const part = ({ dtype, shape: [batch, ...rest], data }: Tensor, index: number): Tensor => {
    const [rows, size] = [batch / (end - first), elementCount(rest)];
    return tensor(dtype, [rows, ...rest], data.subarray(index * rows * size, (index + 1) * rows * size));
  };
  return ({ images, labels, targets, ...others }, shard) => ({
    ...others,
    images: part(images, shard - first),
    labels: part(labels, shard - first),
    ...((targets as Tensor | undefined) && { targets: part(targets, shard - first) }),
    shard: tensor('int64', [], [shard]),
  });
}
