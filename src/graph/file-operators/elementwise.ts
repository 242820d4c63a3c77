/** Arithmetic, functions of one value, comparisons, activation functions. */
import type { DType } from '../../tensor/tensor.js';
import type { FileNode } from '../file-node.js';
import { GraphError, type Value, describe } from '../graph.js';
import { dtypeOf } from '../onnx-types.js';
import * as op from '../ops.js';
import { isFloat } from '../ops/build.js';
import { type FileOperators, binary, unary, variadic } from './operator.js';

/** A function of one value with one number, α. */
const withAlpha = (build: (x: Value, alpha: number) => Value, alpha: number) => (node: FileNode) => [
  build(node.input(0), node.number('alpha', alpha)),
];

/** ONNX lets the exponent be of another type than the base. */
const pow = (a: Value, b: Value): Value => op.pow(a, isFloat(a) ? op.cast(b, a.dtype) : b);

/** A limit of Clip, [] or [1]. */
function limit(node: FileNode, index: number): Value | null {
  const value = node.optional(index);
  return value && value.shape.length === 1 ? op.reshape(value, []) : value;
}

function cast(node: FileNode): readonly Value[] {
  const number = node.int('to');
  // Says what becomes of numbers that do not fit into 8 bits of floating point, a type that is not read.
  node.flag('saturate', true);
  const dtype: DType | undefined = dtypeOf(number);
  if (!dtype)
    throw new GraphError(`attribute "to" is ${number}, an element type that tract-ts does not know`);
  return [op.cast(node.input(0), dtype)];
}

function mod(node: FileNode): readonly Value[] {
  const [a, b] = [node.input(0), node.input(1)];
  const fmod = node.flag('fmod', false);
  if (isFloat(a) && !fmod)
    throw new GraphError(`attribute "fmod" must be 1 for floating-point numbers: ${describe(a, b)}`);
  return [op.mod(a, b, fmod)];
}

function swish(node: FileNode): readonly Value[] {
  const x = node.input(0);
  const alpha = node.number('alpha', 1);
  return [op.mul(x, op.sigmoid(alpha === 1 ? x : op.mul(x, alpha)))];
}

export const elementwise: FileOperators = {
  Abs: unary(op.abs),
  Acos: unary(op.acos),
  Acosh: unary(op.acosh),
  Add: binary(op.add),
  And: binary(op.and),
  Asin: unary(op.asin),
  Asinh: unary(op.asinh),
  Atan: unary(op.atan),
  Atanh: unary(op.atanh),
  Cast: cast,
  CastLike: (node) => {
    node.flag('saturate', true);
    return [op.cast(node.input(0), node.input(1).dtype)];
  },
  Ceil: unary(op.ceil),
  Celu: withAlpha(op.celu, 1),
  Clip: (node) => [op.clip(node.input(0), limit(node, 1), limit(node, 2))],
  Cos: unary(op.cos),
  Cosh: unary(op.cosh),
  Div: binary(op.div),
  Elu: withAlpha(op.elu, 1),
  Equal: binary(op.equal),
  Erf: unary(op.erf),
  Exp: unary(op.exp),
  Floor: unary(op.floor),
  Gelu: (node) => [
    op.gelu(node.input(0), node.text<'none' | 'tanh'>('approximate', ['none', 'tanh'], 'none')),
  ],
  Greater: binary(op.greater),
  GreaterOrEqual: binary(op.greaterOrEqual),
  HardSigmoid: (node) => [
    op.hardSigmoid(node.input(0), node.number('alpha', Math.fround(0.2)), node.number('beta', 0.5)),
  ],
  HardSwish: unary(op.hardSwish),
  Identity: unary(op.identity),
  IsInf: (node) => [
    op.isInf(node.input(0), {
      negative: node.flag('detect_negative', true),
      positive: node.flag('detect_positive', true),
    }),
  ],
  IsNaN: unary(op.isNaN),
  LeakyRelu: withAlpha(op.leakyRelu, Math.fround(0.01)),
  Less: binary(op.less),
  LessOrEqual: binary(op.lessOrEqual),
  Log: unary(op.log),
  Max: variadic(op.max),
  Mean: variadic(op.mean),
  Min: variadic(op.min),
  Mish: unary(op.mish),
  Mod: mod,
  Mul: binary(op.mul),
  Neg: unary(op.neg),
  Not: unary(op.not),
  Or: binary(op.or),
  PRelu: binary(op.pRelu),
  Pow: binary(pow),
  Reciprocal: unary(op.reciprocal),
  Relu: unary(op.relu),
  Round: unary(op.round),
  Selu: (node) => [
    op.selu(
      node.input(0),
      node.number('alpha', 1.6732631921768188),
      node.number('gamma', 1.0507010221481323),
    ),
  ],
  Shrink: (node) => [op.shrink(node.input(0), node.number('lambd', 0.5), node.number('bias', 0))],
  Sigmoid: unary(op.sigmoid),
  Sign: unary(op.sign),
  Sin: unary(op.sin),
  Sinh: unary(op.sinh),
  Softplus: unary(op.softplus),
  Softsign: unary(op.softsign),
  Sqrt: unary(op.sqrt),
  Sub: binary(op.sub),
  Sum: variadic(op.sum),
  Swish: swish,
  Tan: unary(op.tan),
  Tanh: unary(op.tanh),
  ThresholdedRelu: withAlpha(op.thresholdedRelu, 1),
  Where: (node) => [op.where(node.input(0), node.input(1), node.input(2))],
  Xor: binary(op.xor),
};
