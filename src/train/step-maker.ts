/** The training step of a model, compiled, with its initial state: one graph, or two around a sum over shards. */
import type { CompileOptions } from '../engine/compile.js';
import type { Tensors } from '../engine/session.js';
import { StateStore } from '../engine/state-store.js';
import { type StepRunner, fusedStep, shardedStep } from '../engine/step-runner.js';
import type { Graph } from '../graph/graph.js';
import { nextName } from '../graph/state-names.js';
import type { Trainable } from '../optim/trainable.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { initialSlots, initialWeights } from './initial-state.js';
import {
  type TrainingGraph,
  type TrainingGraphOptions,
  gradientGraph,
  trainingGraph,
  updateGraph,
} from './training-graph.js';

export interface CompiledStep {
  readonly graph: TrainingGraph;
  readonly runner: StepRunner;
  readonly store: StateStore;
  /** The parameters and buffers of the model. */
  readonly weightNames: readonly string[];
}

export interface CompiledStepOptions extends TrainingGraphOptions, CompileOptions {
  readonly seed: number;
}

/** @throws DeviceError where the device is not available */
export async function compileStep(given: Trainable, options: CompiledStepOptions): Promise<CompiledStep> {
  const { seed, shards = 1, device, threads, profile, onStage } = options;
  const compileOptions: CompileOptions = {
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(profile !== undefined && { profile }),
    ...(onStage && { onStage }),
  };
  const graph = shards === 1 ? trainingGraph(given, options) : gradientGraph(given, options);
  const weights = initialWeights(graph, seed);
  const state = { ...weights, ...initialSlots(graph, given.transforms, weights) };
  const update = shards === 1 ? undefined : updateGraph(given, options);
  const runner = update
    ? await shardedStep(graph.graph, update, { ...compileOptions, shards, shardOf: shardOf(shards) })
    : await fusedStep(graph.graph, compileOptions);
  return { graph, runner, store: storeOf(update ?? graph.graph, state), weightNames: Object.keys(weights) };
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

/** The images and labels of one shard, in the order of the batch; the other inputs as they are. */
function shardOf(shards: number): (inputs: Tensors, shard: number) => Tensors {
  const part = ({ dtype, shape: [batch, ...rest], data }: Tensor, shard: number): Tensor => {
    const [rows, size] = [batch / shards, elementCount(rest)];
    return tensor(dtype, [rows, ...rest], data.subarray(shard * rows * size, (shard + 1) * rows * size));
  };
  return ({ images, labels, targets, ...others }, shard) => ({
    ...others,
    images: part(images, shard),
    labels: part(labels, shard),
    ...((targets as Tensor | undefined) && { targets: part(targets, shard) }),
    shard: tensor('int64', [], [shard]),
  });
}
