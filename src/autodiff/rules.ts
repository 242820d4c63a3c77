/**
 * The backward rules: one an operator, in one table.
 *
 * A rule gets the gradient g of the loss towards the operator's (first) result and gives the gradient towards each
 * input; `wanted` says which of them anyone needs. Notation: x, a, b, w are inputs, y is the result.
 */
import type { Node, Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { rowMajorStrides } from '../graph/broadcast.js';

export type BackwardRule = (
  g: Value,
  node: Node,
  wanted: readonly boolean[],
  /** The gradients towards all results, for operators with more than one that is differentiable. */
  all: readonly (Value | null)[],
) => readonly (Value | null)[];

/** A rule for an operator of one input: (gradient, input, result) → gradient of the input. */
const unary =
  (rule: (g: Value, x: Value, y: Value, node: Node) => Value): BackwardRule =>
  (g, node) => [rule(g, node.inputs[0]!, node.outputs[0], node)];

/** A rule for an operator of two inputs that broadcast. */
const binary =
  (
    left: (g: Value, a: Value, b: Value, y: Value) => Value,
    right: (g: Value, a: Value, b: Value, y: Value) => Value,
  ): BackwardRule =>
  (g, { inputs, outputs }, wanted) => {
    const [a, b] = inputs as [Value, Value];
    return [
      wanted[0] ? op.sumTo(left(g, a, b, outputs[0]), a) : null,
      wanted[1] ? op.sumTo(right(g, a, b, outputs[0]), b) : null,
    ];
  };

const axesOf = (node: Node): number[] => Array.from(node.inputs[1]!.constant!.data as BigInt64Array, Number);

/** The shape of x with the reduced axes kept as 1, to broadcast a reduction's gradient back. */
const keptShape = (x: Value, node: Node): number[] => {
  const axes = new Set(axesOf(node));
  return x.shape.map((length, axis) => (axes.has(axis) ? 1 : length));
};

/** A matrix product's gradient, summed over the leading dimensions its operand was broadcast along. */
const matMulRule: BackwardRule = (g, { inputs }, wanted) => {
  const [a, b] = inputs as [Value, Value];
  return [
    wanted[0] ? op.sumTo(op.matMul(g, op.matrixTranspose(b)), a) : null,
    wanted[1] ? op.sumTo(op.matMul(op.matrixTranspose(a), g), b) : null,
  ];
};

/** z = x Wᵀ + bias over any leading dimensions: ∂W = gᵀ x, over all rows at once. */
const linearRule: BackwardRule = (g, { inputs }, wanted) => {
  const [x, w] = inputs as [Value, Value];
  const rows = (value: Value): Value => op.reshape(value, [-1, value.shape.at(-1)!]);
  return [
    wanted[0] ? op.reshape(op.matMul(rows(g), w), x.shape) : null,
    wanted[1] ? op.matMul(op.matrixTranspose(rows(g)), rows(x)) : null,
    wanted[2] ? op.reduceSum(rows(g), [0]) : null,
  ];
};

const convRule: BackwardRule = (g, node, wanted) => {
  const [x, w] = node.inputs as [Value, Value];
  const geometry = op.geometryOf(node);
  return [
    wanted[0] ? op.convGradInput(g, w, x.shape, geometry) : null,
    wanted[1] ? op.convGradWeight(x, g, w.shape, geometry) : null,
    wanted[2] ? op.reduceSum(g, [0, 2, 3]) : null,
  ];
};

const batchNormTrainingRule: BackwardRule = (g, node) => {
  const [x, scale] = node.inputs as [Value, Value];
  const [, mean, variance] = node.outputs;
  return op.batchNormTrainingGrad(g, x, scale, mean, variance, node.attributes.epsilon.value as number);
};

/** Inference form: an affine map per channel; mean and variance are fixed numbers. */
const batchNormalizationRule: BackwardRule = (g, node) => {
  const [x, scale, , mean, variance] = node.inputs as Value[];
  const perChannel = (value: Value): Value => op.reshape(value, [1, -1, ...x.shape.slice(2).map(() => 1)]);
  const rest = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const inverse = op.reciprocal(op.sqrt(op.add(variance, node.attributes.epsilon.value as number)));
  const normalized = op.mul(op.sub(x, perChannel(mean)), perChannel(inverse));
  return [
    op.mul(g, perChannel(op.mul(scale, inverse))),
    op.reduceSum(op.mul(g, normalized), rest),
    op.reduceSum(g, rest),
    null,
    null,
  ];
};

/**
 * With x̂ = (x - mean)/σ over the last axis: ∂x = (h - mean(h) - x̂ mean(h x̂))/σ for h = g · scale. Means over the
 * features and sums over the rows are matrix products, which read their operands once.
 */
const layerNormalizationRule: BackwardRule = (g, node) => {
  const [x, scale] = node.inputs as [Value, Value];
  const features = x.shape.at(-1)!;
  const rows = (value: Value): Value => op.reshape(value, [-1, value.shape.at(-1)!]);
  const filled = (value: number): Value => op.expand(op.reshape(op.scalarLike(x, value), [1]), [features]);
  // x̂ is the same normalisation with scale 1 and bias 0.
  const epsilon = node.attributes.epsilon.value as number;
  const { y: normalized, inverseDeviation } = op.layerNormalization(rows(x), filled(1), filled(0), epsilon);
  const gradient = rows(g);
  const product = op.mul(gradient, normalized);
  const weights = op.reshape(op.div(scale, features), [features, 1]);
  const projection = op.mul(normalized, op.matMul(product, weights));
  const difference = op.sub(op.sub(op.mul(gradient, scale), op.matMul(gradient, weights)), projection);
  return [
    op.reshape(op.mul(difference, op.cast(inverseDeviation, x.dtype)), x.shape),
    op.reduceSum(product, [0]),
    op.reduceSum(gradient, [0]),
  ];
};

/** d/dx x·Φ(x) = Φ(x) + x·φ(x) with the normal distribution's Φ and density φ. */
const geluRule = unary((g, x, _y, node) => {
  if (node.attributes.approximate.value === 'tanh') {
    const inner = op.mul(op.add(op.mul(op.mul(x, x), 0.044715), 1), op.mul(x, Math.sqrt(2 / Math.PI)));
    const t = op.tanh(inner);
    const slope = op.mul(op.add(op.mul(op.mul(x, x), 3 * 0.044715), 1), Math.sqrt(2 / Math.PI));
    const derivative = op.add(
      op.mul(op.add(t, 1), 0.5),
      op.mul(op.mul(op.mul(op.sub(1, op.mul(t, t)), x), slope), 0.5),
    );
    return op.mul(g, derivative);
  }
  const distribution = op.add(op.mul(op.erf(op.mul(x, Math.SQRT1_2)), 0.5), 0.5);
  const density = op.mul(op.exp(op.mul(op.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return op.mul(g, op.add(distribution, op.mul(x, density)));
});

const softmaxRule = unary((g, _x, y, node) => {
  const axis = [node.attributes.axis.value as number];
  return op.mul(y, op.sub(g, op.reduceSum(op.mul(g, y), axis, true)));
});

const logSoftmaxRule = unary((g, _x, y, node) => {
  const axis = [node.attributes.axis.value as number];
  return op.sub(g, op.mul(op.exp(y), op.reduceSum(g, axis, true)));
});

/** Each joined part gets its piece of the gradient back. */
const concatRule: BackwardRule = (g, { inputs, attributes }) => {
  const axis = attributes.axis.value as number;
  let start = 0;
  return inputs.map((input) => {
    const end = start + input!.shape[axis];
    const piece = op.slice(g, [{ axis, start, end }]);
    start = end;
    return piece;
  });
};

/** Zeros where the slice did not look: padding for a step of 1, a scatter for any other. */
const sliceRule = unary((g, x, _y, node) => {
  const [starts, , axes, steps] = node.inputs
    .slice(1)
    .map((input) => Array.from(input!.constant!.data as BigInt64Array, Number));
  if (steps.every((step) => step === 1)) {
    const before = x.shape.map(() => 0);
    axes.forEach((axis, i) => (before[axis] = starts[i]));
    const after = x.shape.map((length, axis) => length - before[axis] - g.shape[axis]);
    return op.pad(g, before, after);
  }
  const strides = rowMajorStrides(x.shape);
  const size = x.shape.reduce((product, length) => product * length, 1);
  const from = x.shape.map((_, axis) => starts[axes.indexOf(axis)] ?? 0);
  const step = x.shape.map((_, axis) => steps[axes.indexOf(axis)] ?? 1);
  return op.reshape(
    op.scatterAdd(size, op.lattice(x.graph, g.shape, from, step, strides), op.reshape(g, [-1])),
    x.shape,
  );
});

/** The parts' gradients side by side; zeros for a part that nobody uses. */
const splitRule: BackwardRule = (_g, { outputs, attributes }, _wanted, all) => [
  op.concat(
    outputs.map((output, i) => all[i] ?? op.zerosLike(output)),
    attributes.axis.value as number,
  ),
];

const padRule = unary((g, x, _y, node) => {
  const before = Array.from(node.inputs[1]!.constant!.data as BigInt64Array, Number).slice(0, x.shape.length);
  return op.slice(
    g,
    before.map((start, axis) => ({ axis, start, end: start + x.shape[axis] })),
  );
});

const transposeRule = unary((g, _x, _y, node) => {
  const perm = node.attributes.perm.value as number[];
  return op.transpose(
    g,
    perm.map((_, axis) => perm.indexOf(axis)),
  );
});

export const backwardRules: ReadonlyMap<string, BackwardRule> = new Map<string, BackwardRule>([
  [
    'Add',
    binary(
      (g) => g,
      (g) => g,
    ),
  ],
  [
    'Sub',
    binary(
      (g) => g,
      (g) => op.neg(g),
    ),
  ],
  [
    'Mul',
    binary(
      (g, _a, b) => op.mul(g, b),
      (g, a) => op.mul(g, a),
    ),
  ],
  [
    'Div',
    binary(
      (g, _a, b) => op.div(g, b),
      (g, _a, b, y) => op.neg(op.div(op.mul(g, y), b)),
    ),
  ],
  [
    'Pow',
    (g, { inputs }) => {
      const [x, exponent] = inputs as [Value, Value];
      const p = Number(exponent.constant!.data[0]);
      return [op.mul(g, op.mul(op.pow(x, p - 1), p)), null];
    },
  ],
  ['Neg', unary((g) => op.neg(g))],
  ['Exp', unary((g, _x, y) => op.mul(g, y))],
  ['Log', unary((g, x) => op.div(g, x))],
  ['Sqrt', unary((g, _x, y) => op.div(op.mul(g, 0.5), y))],
  ['Reciprocal', unary((g, _x, y) => op.neg(op.mul(g, op.mul(y, y))))],
  ['Erf', unary((g, x) => op.mul(g, op.mul(op.exp(op.neg(op.mul(x, x))), 2 / Math.sqrt(Math.PI))))],
  ['Tanh', unary((g, _x, y) => op.mul(g, op.sub(1, op.mul(y, y))))],
  ['Sigmoid', unary((g, _x, y) => op.mul(g, op.mul(y, op.sub(1, y))))],
  ['Relu', unary((g, _x, y) => op.reluGrad(g, y))],
  ['Gelu', geluRule],
  ['Identity', unary((g) => g)],
  ['Cast', unary((g, x) => op.cast(g, x.dtype))],
  [
    'Where',
    (g, { inputs }) => {
      const [condition, a, b] = inputs as [Value, Value, Value];
      return [null, op.sumTo(op.where(condition, g, 0), a), op.sumTo(op.where(condition, 0, g), b)];
    },
  ],
  ['MatMul', matMulRule],
  ['tract.Linear', linearRule],
  ['Conv', convRule],
  ['MaxPool', (g, node) => [op.maxPoolGrad(g, node)]],
  ['BatchNormalization', batchNormalizationRule],
  ['tract.BatchNormTraining', batchNormTrainingRule],
  ['LayerNormalization', layerNormalizationRule],
  ['Softmax', softmaxRule],
  ['LogSoftmax', logSoftmaxRule],
  [
    'ReduceSum',
    (g, node) => {
      const [x] = node.inputs as [Value];
      return [op.expand(op.reshape(g, keptShape(x, node)), x.shape)];
    },
  ],
  [
    'ReduceMean',
    (g, node) => {
      const [x] = node.inputs as [Value];
      const kept = keptShape(x, node);
      const count = x.shape.reduce((product, length, axis) => product * (length / kept[axis]), 1);
      return [op.expand(op.reshape(op.div(g, count), kept), x.shape)];
    },
  ],
  ['Reshape', unary((g, x) => op.reshape(g, x.shape))],
  ['Transpose', transposeRule],
  ['Expand', unary((g, x) => op.sumTo(g, x))],
  ['Concat', concatRule],
  ['Slice', sliceRule],
  ['Split', splitRule],
  ['Pad', padRule],
]);
