/** `.onnx` files, read, and written again where they are accepted; and what is accepted run by ONNX Runtime. */
import { portable } from '../../engine/lowering/portable.js';
import { Program } from '../../engine/session.js';
import { Graph, GraphError, type Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { fromOnnx } from '../../graph/parse.js';
import { rewrite } from '../../graph/rewrite.js';
import { toOnnx } from '../../graph/serialize.js';
import { type Tensor, elementCount, sameShape, tensor, zeros } from '../../tensor/tensor.js';
import { isPrintable, mutateOnnx } from '../mutate-onnx.js';
import { type FuzzedParser, expect } from '../parser.js';

/** Small graphs that between them hold every operator that is read. */
const examples: readonly ((graph: Graph) => void)[] = [
  (graph) => {
    const x = graph.input('x', 'float32', [2, 3]);
    const weight = graph.constant(tensor('float32', [3, 2], [1, 2, 3, 4, 5, 6]));
    const y = graph.inScope('layer', () => op.relu(op.matMul(x, weight)));
    graph.output('y', op.reduceSum(op.softmax(y), [1]));
    graph.output('best', op.argMax(y, 1));
    graph.output('x again', x);
  },
  (graph) => {
    const image = graph.input('image', 'float32', [1, 2, 5, 5]);
    const weight = graph.input('weight', 'float32', [4, 2, 3, 3]);
    const geometry = op.geometry({ stride: [2, 2], padding: [1, 1, 1, 1] });
    const z = op.conv(image, weight, graph.input('bias', 'float32', [4]), geometry);
    const [scale, mean] = ['scale', 'mean'].map((name) => graph.input(name, 'float32', [4]));
    const normal = op.batchNormalization(z, scale, mean, mean, scale);
    graph.output(
      'pooled',
      op.maxPool(normal, { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 1, 1] }).values,
    );
    graph.output('gradient', op.convTranspose(z, weight, image.shape, geometry));
  },
  (graph) => {
    const x = graph.input('x', 'float32', [2, 4, 6]);
    const [scale, bias] = ['scale', 'bias'].map((name) => graph.input(name, 'float32', [6]));
    const { y } = op.layerNormalization(x, scale, bias);
    const [a, b, c] = op.split(y, 2, 3);
    const scores = op.softmax(op.matMul(a, op.matrixTranspose(b)));
    graph.output('attention', op.gelu(op.matMul(scores, c), 'tanh'));
    graph.output('flat', op.gemm(op.reshape(x, [2, -1]), graph.input('w', 'float32', [3, 24]), null));
    graph.output('joined', op.concat([a, op.pad(c, [0, 0, 0], [0, 0, 2])], 2));
  },
  (graph) => {
    const x = graph.input('x', 'float64', [3, 4]);
    const functions = [op.abs, op.exp, op.log, op.sqrt, op.reciprocal, op.tanh, op.sigmoid, op.neg];
    const sum = functions.map((build) => build(x)).reduce(op.add);
    const chosen = op.where(op.greater(x, 0.5), sum, op.div(op.sub(x, 1), op.pow(x, 2)));
    graph.output('chosen', op.mul(chosen, op.cast(op.equal(x, 1), 'float64')));
    graph.output('part', op.slice(x, [{ axis: 1, start: 3, end: -1, step: -2 }]));
    graph.output('rows', op.gather(op.expand(op.reduceMean(x, [0], true), [2, 4]), [1, 0, 1]));
    graph.output('greatest', op.reduceMax(op.logSoftmax(x), [0]));
    graph.output('spread', op.scatterAdd(5, op.int64s(graph, [4, 0]), graph.input('u', 'float64', [2])));
    graph.output('error', op.erf(op.cast(x, 'float32')));
  },
  (graph) => {
    const x = graph.input('x', 'float32', [2, 3]);
    const activations = [
      ...[op.hardSwish, op.mish, op.softplus, op.softsign, op.leakyRelu, op.elu, op.selu, op.celu],
      ...[op.thresholdedRelu, op.hardSigmoid, op.shrink, op.sin, op.atan, op.floor, op.round],
    ];
    const results = activations.map((build: (x: Value) => Value) => build(x));
    graph.output('functions', op.max([op.sum(results), op.min(results), op.clip(x, -1, 1)]));
    graph.output('slopes', op.mod(op.pRelu(x, graph.input('slope', 'float32', [3])), 2));
    const both = op.or(op.less(x, 0), op.and(op.isNaN(x), op.not(op.isInf(x))));
    graph.output('chosen', op.xor(both, op.lessOrEqual(x, op.ceil(x))));
  },
  (graph) => {
    const image = graph.input('image', 'float32', [1, 4, 5, 6]);
    const bias = graph.input('bias', 'float32', [4]);
    const pool = { kernel: [3, 2], stride: [2, 2], padding: [1, 0, 1, 1] };
    graph.output('average', op.averagePool(image, { ...pool, ceilMode: true, countIncludePad: true }));
    graph.output('greatest', op.maxPool(image, { ...pool, dilation: [1, 2], ceilMode: true }).values);
    graph.output('groups', op.groupNormalization(image, bias, bias, 2));
    graph.output('neighbours', op.lrn(image, 3));
    graph.output('reflected', op.pad(image, [0, 0, 2, 1], [0, 0, 1, 2], { mode: 'reflect' }));
    graph.output('resized', op.resize(image, { scales: [1, 1, 2, 1.5] }, { mode: 'cubic' }));
    graph.output('sampled', op.gridSample(image, graph.input('grid', 'float32', [1, 2, 2, 2])));
    const line = op.reshape(image, [1, 4, 30]);
    const weight = graph.input('weight', 'float32', [4, 2, 3]);
    const geometry = op.geometry({ stride: [2], dilation: [2], groups: 2 }, 1);
    const z = op.conv(line, weight, null, geometry);
    graph.output('transposed', op.convTranspose(z, weight, line.shape, geometry, bias));
  },
  (graph) => {
    const x = graph.input('x', 'float32', [3, 4]);
    const { values, indices } = op.topK(x, 2, { axis: 0 });
    const cell = graph.constant(tensor('int64', [1, 2], [2, 3]));
    const parts = op.split(x, 1, [1, 3]);
    graph.output('least', op.argMin(x, 1, true));
    graph.output('sums', op.cumSum(op.tile(x, [1, 2]), 1, { reverse: true }));
    graph.output('scattered', op.scatterElements(x, indices, values, { reduction: 'add' }));
    graph.output('cells', op.scatterND(op.trilu(x), cell, op.gatherND(x, cell)));
    graph.output('columns', op.gatherElements(op.gather(x, [3, -1, 0, 1], 1), indices));
    graph.output('product', op.einsum('ij,ik->jk', parts));
    graph.output('identity', op.eyeLike(x, 'int32', 1));
    graph.output('numbers', op.range(graph, 1, 9, 3));
    const norms = [
      op.reduceL1,
      op.reduceL2,
      op.reduceLogSumExp,
      op.reduceSumSquare,
      op.reduceProd,
      op.reduceMin,
    ];
    graph.output('norms', op.sum(norms.map((norm) => norm(x, [1], true))));
    graph.output(
      'matrix',
      op.gemm(x, x, graph.input('b', 'float32', [4]), { transA: true, transB: false, alpha: 2 }),
    );
  },
  // Nothing but constants, which are folded when the file is read.
  (graph) => {
    const x = graph.constant(
      tensor(
        'float32',
        [70],
        Float32Array.from({ length: 70 }, (_, i) => i),
      ),
    );
    const y = graph.input('y', 'float32', []);
    graph.output('z', op.add(op.transpose(op.reshape(op.add(x, 1), [7, 10]), [1, 0]), y));
    graph.output('x', x);
  },
];

const seeds = (): Promise<readonly Uint8Array[]> =>
  Promise.resolve(
    examples.map((build) => {
      const graph = new Graph();
      build(graph);
      return toOnnx(rewrite(graph, portable), { metadata: { classes: '["a","b"]' } });
    }),
  );

const types = ({ inputs, outputs }: Graph): string =>
  JSON.stringify([
    inputs.map(({ name, dtype, shape }) => [name, dtype, shape]),
    [...outputs].map(([name, { dtype, shape }]) => [name, dtype, shape]),
  ]);

/** Reads a file, and checks that what is written of it is read as the same. */
function readAgain(input: Uint8Array): { graph: Graph; written: Uint8Array } {
  const { graph, metadata } = fromOnnx(input);
  const written = toOnnx(graph, { metadata });
  let second;
  try {
    second = fromOnnx(written);
  } catch (error) {
    throw new Error('what was read cannot be read when it is written', { cause: error });
  }
  expect(types(second.graph) === types(graph), 'the types changed when it was written and read again');
  // Names are made anew; from then on they stay.
  const third = toOnnx(second.graph, { metadata: second.metadata });
  const fourth = toOnnx(fromOnnx(third).graph, { metadata });
  expect(Buffer.compare(third, fourth) === 0, 'what was written changed when it was read again');
  return { graph, written };
}

export const onnx: FuzzedParser = {
  name: 'onnx',
  seeds,
  mutate: mutateOnnx,
  read(input) {
    readAgain(input);
  },
  documented: (error) => error instanceof GraphError && isPrintable(error),
};

/** What is larger takes ONNX Runtime long, and nothing that a file says is wrong with it. */
const MOST_ELEMENTS = 1_000_000;

class RuntimeRefusal extends Error {}

export const onnxRun: FuzzedParser = {
  name: 'onnx-run',
  seeds,
  mutate: mutateOnnx,
  async read(input) {
    const { graph, written } = readAgain(input);
    const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
    // ONNX Runtime takes no graph without nodes.
    if (
      graph.nodes.length === 0 ||
      values.reduce((sum, { shape }) => sum + elementCount(shape), 0) > MOST_ELEMENTS
    )
      return;
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name, dtype, shape }) => [name, zeros(dtype, shape)]),
    );
    let results: Readonly<Record<string, Tensor>>;
    try {
      const program = await Program.load(written, { provider: 'cpu', threads: 1 });
      try {
        results = await program.run(feeds);
      } finally {
        await program.release();
      }
    } catch (error) {
      // Element types that it has no kernel for.
      throw new RuntimeRefusal((error as Error).message.slice(0, 500));
    }
    for (const [name, { dtype, shape }] of graph.outputs) {
      const result = results[name];
      expect(
        result.dtype === dtype && sameShape(result.shape, shape),
        `output ${name} is ${result.dtype} [${result.shape.join()}], not ${dtype} [${shape.join()}]`,
      );
    }
  },
  documented: (error) =>
    error instanceof RuntimeRefusal || (error instanceof GraphError && isPrintable(error)),
};
