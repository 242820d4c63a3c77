/** Runs training steps over and over: a step in one graph, or one cut in two around a sum. */
import { type Tensor, zeros } from '../tensor/tensor.js';
import type { Graph } from '../graph/graph.js';
import { stateNames, sumName, sumNames } from '../graph/state-names.js';
import { type CompileOptions, compile } from './compile.js';
import { type Interval, type ProcessGroup, shardsOf } from './process-group.js';
import { type RuntimeTensors, type Tensors, toRuntime } from './session.js';
import { addTree, middleOf, ownSums } from './shard-tree.js';
import type { StateStore } from './state-store.js';
import { type Memory, SumLayout } from './sum-layout.js';

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
  /** The processes that the shards are divided among, equally. Default: this one makes them all. */
  readonly group?: ProcessGroup;
}

/**
 * A step in two graphs. The first goes from the state and a shard to sums, which are added over the shards; the second
 * from the state and the sums to the next state. The sums are added in a fixed tree, halves first, in however many
 * processes: each computes the sums of its shards, and the second graph.
 *
 * @param gradients its outputs are sums (`sum/<name>`)
 * @param update its inputs are the sums and the state, its outputs the next state and the results
 */
export async function shardedStep(
  gradients: Graph,
  update: Graph,
  { shards, shardOf, group, ...options }: ShardedStepOptions,
): Promise<StepRunner> {
  const [first, second] = [await compile(gradients, options), await compile(update, options)];
  const reads = stateNames(gradients).state;
  const layout = new SumLayout(sumNames(gradients), group?.size);
  const results = resultsOf(update);
  const fetches = toRuntime(results);
  /** Memory for as many sums as there are at a time, and the same as what graphs write to and read. */
  const memory: { readonly bytes: Memory; readonly sums: RuntimeTensors }[] = [];
  const place = (depth: number): (typeof memory)[number] => {
    if (!memory[depth]) {
      const bytes = layout.allocate();
      memory[depth] = { bytes, sums: toRuntime(layout.tensorsIn(bytes), sumName) };
    }
    return memory[depth];
  };

  /** Writes the sums over some shards to the memory of that depth, and uses what is behind it. */
  const sum = async (
    state: RuntimeTensors,
    inputs: Tensors,
    [from, to]: Interval,
    depth: number,
  ): Promise<void> => {
    if (to - from === 1) {
      await first.runInto({ ...state, ...toRuntime(shardOf(inputs, from)) }, place(depth).sums);
      return;
    }
    const middle = middleOf([from, to]);
    await sum(state, inputs, [from, middle], depth);
    await sum(state, inputs, [middle, to], depth + 1);
    layout.add(place(depth).bytes, place(depth + 1).bytes);
  };
  const whole: Interval = [0, shards];
  const addUp = group && new GroupSum(group, layout, whole);
  const own = group ? ownSums(shardsOf(shards, group), whole) : [whole];

  return {
    async step(store, inputs) {
      const state = store.inputs(reads);
      for (const [i, part] of own.entries()) await sum(state, inputs, part, i);
      await addUp?.run(own.map((_, i) => place(i).bytes));
      await store.advance(second, { ...place(0).sums, ...toRuntime(inputs) }, fetches);
      return results;
    },
    async release() {
      await first.release();
      await second.release();
    },
  };
}

/**
 * Adds sums over processes in the tree of the shards. Each process gets one piece of all sums of the others, adds that up
 * and gives it to all: no process sends or receives more than twice what it has, and none adds in another order, as the
 * reductions of MPI's libraries may.
 */
class GroupSum {
  readonly #group: ProcessGroup;
  readonly #layout: SumLayout;
  readonly #whole: Interval;
  /** The parts of the tree that each rank has computed. */
  readonly #parts: readonly (readonly Interval[])[];
  /** For the first part of all ranks, the second, …: where the pieces of all ranks come in. */
  readonly #received: readonly Memory[];

  constructor(group: ProcessGroup, layout: SumLayout, whole: Interval) {
    this.#group = group;
    this.#layout = layout;
    this.#whole = whole;
    this.#parts = Array.from({ length: group.size }, (_, rank) =>
      ownSums(shardsOf(whole[1], { rank, size: group.size }), whole),
    );
    const most = Math.max(...this.#parts.map(({ length }) => length));
    this.#received = Array.from({ length: most }, () => layout.allocate());
  }

  /** @param sums of this rank's parts; the first has those of all ranks in the end */
  async run(sums: readonly Memory[]): Promise<void> {
    const { pieceLength } = this.#layout;
    for (const [part, received] of this.#received.entries()) {
      await this.#group.allToAll(
        sums[part] ?? sums[0],
        received,
        this.#parts.map(({ length }) => part < length),
      );
    }
    const piece = (bytes: Memory, rank: number): Memory =>
      bytes.subarray(rank * pieceLength, (rank + 1) * pieceLength);
    const from = this.#group.rank * pieceLength;
    const found = new Map(
      this.#parts.flatMap((parts, rank) =>
        parts.map((shards, part) => [shards.join(), piece(this.#received[part], rank)]),
      ),
    );
    const total = addTree(
      this.#whole,
      (shards) => found.get(shards.join()),
      (left, right) => {
        this.#layout.add(left, right, from);
        return left;
      },
    );
    piece(sums[0], this.#group.rank).set(total);
    await this.#group.allGather(sums[0]);
  }
}
