/** Functions of one value: trigonometric and hyperbolic ones, and rounding. */
import type { Value } from '../graph.js';
import { unaryOfFloats } from './build.js';

/** ONNX Sin-7. */
export const sin = (x: Value): Value => unaryOfFloats('Sin', x);
/** ONNX Cos-7. */
export const cos = (x: Value): Value => unaryOfFloats('Cos', x);
/** ONNX Tan-7. */
export const tan = (x: Value): Value => unaryOfFloats('Tan', x);
/** ONNX Asin-7. */
export const asin = (x: Value): Value => unaryOfFloats('Asin', x);
/** ONNX Acos-7. */
export const acos = (x: Value): Value => unaryOfFloats('Acos', x);
/** ONNX Atan-7. */
export const atan = (x: Value): Value => unaryOfFloats('Atan', x);
/** ONNX Sinh-9. */
export const sinh = (x: Value): Value => unaryOfFloats('Sinh', x);
/** ONNX Cosh-9. */
export const cosh = (x: Value): Value => unaryOfFloats('Cosh', x);
/** ONNX Asinh-9. */
export const asinh = (x: Value): Value => unaryOfFloats('Asinh', x);
/** ONNX Acosh-9. */
export const acosh = (x: Value): Value => unaryOfFloats('Acosh', x);
/** ONNX Atanh-9. */
export const atanh = (x: Value): Value => unaryOfFloats('Atanh', x);

/** ONNX Floor-13; constant almost everywhere, so its gradient is zero. */
export const floor = (x: Value): Value => unaryOfFloats('Floor', x);
/** ONNX Ceil-13; its gradient is zero. */
export const ceil = (x: Value): Value => unaryOfFloats('Ceil', x);
/** ONNX Round-11, halves to the even neighbour; its gradient is zero. */
export const round = (x: Value): Value => unaryOfFloats('Round', x);
