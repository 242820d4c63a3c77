/** Runs training steps over and over: a step in one graph, or one cut in two around a sum. */
import { type Tensor, zeros } from '../tensor/tensor.js';
import type { Graph } from '../graph/graph.js';
import { stateNames, sumName, sumNames } from '../graph/state-names.js';
import { type CompileOptions, compile } from './compile.js';
import { type RuntimeTensors, type Tensors, toRuntime } from './session.js';
import type { StateStore } from './state-store.js';

/** Makes one step after another on a state. */
export interface StepRunner {
  /** The results of a step beside the next state; valid until the next step. */
  step(store: StateStore, inputs: Tensors): Promise<Tensors>;
  /** Frees the sessions. */
  release(): Promise<void>;
}

/** A step in one graph: it reads the state, and gives its next values and the results. */
export async function fusedStep(graph: Graph, options: CompileOptions): Promise<StepRunner> {
  const { next } = stateNames(graph);
  const program = await compile(graph, { ...options, keptOnDevice: next });
  const results = resultsOf(graph);
  const fetches = toRuntime(results);
  return {
    async step(store, inputs) {
      await store.advance(program, toRuntime(inputs), fetches);
      return results;
    },
    release: () => program.release(),
  };
}

/** The outputs of a graph that are no state and no sums, as tensors to be written to. */
function resultsOf(graph: Graph): Record<string, Tensor> {
  const plain = [...graph.outputs].filter(([name]) => !name.includes('/'));
  return Object.fromEntries(plain.map(([name, { dtype, shape }]) => [name, zeros(dtype, shape)]));
}

export interface ShardedStepOptions extends CompileOptions {
  /** Into how many shards a batch is cut; at least 1. */
  readonly shards: number;
  /** The inputs of one shard of a batch. */
  readonly shardOf: (inputs: Tensors, shard: number) => Tensors;
}

/**
 * A step in two graphs. The first goes from the state and a shard to sums, which are added over the shards; the second
 * from the state and the sums to the next state. The sums are added in a fixed tree: halves first.
 *
 * @param gradients its outputs are sums (`sum/<name>`)
 * @param update its inputs are the sums and the state, its outputs the next state and the results
 */
export async function shardedStep(
  gradients: Graph,
  update: Graph,
  { shards, shardOf, ...options }: ShardedStepOptions,
): Promise<StepRunner> {
  const [first, second] = [await compile(gradients, options), await compile(update, options)];
  const reads = stateNames(gradients).state;
  const types = sumNames(gradients);
  const results = resultsOf(update);
  const fetches = toRuntime(results);
  /** One set of sums for each level of the tree. */
  const levels: Tensors[] = [];
  const level = (depth: number): Tensors =>
    (levels[depth] ??= Object.fromEntries(
      types.map(([name, { dtype, shape }]) => [name, zeros(dtype, shape)]),
    ));

  /** Writes the sums over the shards from `from` to before `to`. */
  const sum = async (
    state: RuntimeTensors,
    inputs: Tensors,
    [from, to]: readonly [number, number],
    depth: number,
  ): Promise<Tensors> => {
    if (to - from === 1) {
      const into = level(depth);
      await first.runInto({ ...state, ...toRuntime(shardOf(inputs, from)) }, toRuntime(into, sumName));
      return into;
    }
    const middle = from + Math.ceil((to - from) / 2);
    const left = await sum(state, inputs, [from, middle], depth);
    add(left, await sum(state, inputs, [middle, to], depth + 1));
    return left;
  };

  return {
    async step(store, inputs) {
      const sums = await sum(store.inputs(reads), inputs, [0, shards], 0);
      await store.advance(second, { ...toRuntime(sums, sumName), ...toRuntime(inputs) }, fetches);
      return results;
    },
    async release() {
      await first.release();
      await second.release();
    },
  };
}

/** left += right, element by element. */
function add(left: Tensors, right: Tensors): void {
  for (const [name, { data }] of Object.entries(left)) {
    const [to, from] = [data as Float32Array, right[name].data as Float32Array];
    for (let i = 0; i < to.length; i++) to[i] += from[i];
  }
}
