/** The process that multiplies matrices, for the rate that everything else is compared with. */
import process from 'node:process';
import { compile } from '../engine/compile.js';
import { toRuntime } from '../engine/session.js';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { Random } from '../random/random.js';
import { type Tensor, tensor, zeros } from '../tensor/tensor.js';
import { MATMUL_SIZE } from './matmul-size.js';
import { serve } from './serve.js';

const { threads } = JSON.parse(process.argv[2]) as { threads?: number };
const shape = [MATMUL_SIZE, MATMUL_SIZE];
const matrix = (name: string): Tensor => {
  const random = Random.fromSeed(0, name);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: MATMUL_SIZE ** 2 }, () => random.uniform(-1, 1)),
  );
};

const graph = new Graph();
const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float32', shape));
graph.output('product', op.matMul(a, b));
const program = await compile(graph, { threads });
// The product is written into the same memory every time.
const factors = toRuntime({ a: matrix('a'), b: matrix('b') });
const product = toRuntime({ product: zeros('float32', shape) });
const started = performance.now();
await program.runInto(factors, product);
await serve({ firstStepMilliseconds: performance.now() - started }, () => program.runInto(factors, product));
