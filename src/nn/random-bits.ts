/**
 * Random numbers inside a step: a function of the seed, the name of the stream, the number of the step and the position
 * of the number, and of nothing else, so that a step that is made again draws the same ones.
 *
 * ONNX's own generators go on from draw to draw, and a resumed run would not continue to the bits of an uninterrupted one.
 * Here a position is enciphered, as MiMC does it (Albrecht et al., 2016): x ← (x + key)³ modulo a prime below 2³¹ of
 * which the cube is a permutation. Every product stays below 2⁶².
 */
import type { Graph, Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { Random } from '../random/random.js';
import { type Shape, elementCount, tensor } from '../tensor/tensor.js';

/** A prime that is 2 modulo 3, so that every number has one cube root. */
const PRIME = 2_147_483_579;
const ROUNDS = 4;

/** What draws depend on besides their names. */
export interface RandomSource {
  readonly seed: number;
  /** float64 or int64 scalar: the number of the step. */
  readonly step: Value;
  /** int64 scalar: the number of the shard, where a batch is cut into several. */
  readonly shard?: Value;
}

const int64 = (graph: Graph, values: readonly number[], shape: Shape): Value =>
  graph.constant(tensor('int64', shape, values));

/**
 * Uniform random numbers in [0, 1), with 24 random bits.
 *
 * @param name of the stream: two of different names have nothing to do with each other
 * @param shape of several shards that of one, whose first dimension is that of the batch
 * @returns float32 of the given shape
 */
export function uniformBits(graph: Graph, shape: Shape, name: string, source: RandomSource): Value {
  const random = Random.fromSeed(source.seed, `draw/${name}`);
  const key = (): Value => int64(graph, [random.bits() % PRIME], []);
  const modulo = (x: Value): Value => op.mod(x, int64(graph, [PRIME], []));
  const cubed = (x: Value): Value => modulo(op.mul(modulo(op.mul(x, x)), x));
  // The step is enciphered first, so that neighbouring ones have nothing in common.
  const stream = cubed(op.add(modulo(op.cast(source.step, 'int64')), key()));
  const count = elementCount(shape);
  let x = op.add(positions(graph, count), cubed(op.add(stream, key())));
  // A shard goes on where the one before ends: whatever the number of shards, a batch has the same numbers.
  if (source.shard) x = modulo(op.add(x, op.mul(source.shard, int64(graph, [count], []))));
  for (let round = 0; round < ROUNDS; round++) x = cubed(op.add(x, key()));
  const unit = op.mul(op.cast(op.div(x, int64(graph, [128], [])), 'float32'), 1 / 2 ** 24);
  return op.reshape(unit, shape);
}

/** 0, 1, 2, … as int64 [count], made of two short lists, so that a file does not carry them all. */
function positions(graph: Graph, count: number): Value {
  const width = Math.min(count, 1024);
  const rows = Math.ceil(count / width);
  const numbers = (length: number, step: number): number[] => Array.from({ length }, (_, i) => i * step);
  const table = op.add(
    int64(graph, numbers(rows, width), [rows, 1]),
    int64(graph, numbers(width, 1), [1, width]),
  );
  const flat = op.reshape(table, [rows * width]);
  return rows * width === count ? flat : op.slice(flat, [{ axis: 0, start: 0, end: count }]);
}
