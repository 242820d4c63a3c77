/** What is done for WebGPU on top of the plain lowering, as a second pass over standard ONNX. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrite, Rewrites } from '../../graph/rewrite.js';

/**
 * How many tensors one Concat joins. WebGPU guarantees a shader eight storage buffers, one of which is the result;
 * ONNX Runtime does not split a longer Concat, which then writes nothing.
 */
const JOINED_AT_ONCE = 7;

const concat: Rewrite = (inputs, node) => [
  joined(inputs as readonly Value[], node.attributes.axis.value as number),
];

function joined(values: readonly Value[], axis: number): Value {
  if (values.length <= JOINED_AT_ONCE) return op.concat(values, axis);
  const parts: Value[] = [];
  for (let i = 0; i < values.length; i += JOINED_AT_ONCE) {
    parts.push(op.concat(values.slice(i, i + JOINED_AT_ONCE), axis));
  }
  return joined(parts, axis);
}

/**
 * ONNX Runtime's max-pooling on WebGPU gives no indices: whoever reads them finds no tensor. In float64 it is left to the
 * CPU, which gives them; where nobody reads them that node is dead.
 */
const maxPool: Rewrite = ([x], node) => {
  const geometry = op.poolingGeometryOf(node);
  const { values } = op.maxPool(x!, geometry);
  const { indices } = op.maxPool(op.cast(x!, 'float64'), geometry);
  return [values, indices];
};

/**
 * ONNX Runtime's transposed convolution on WebGPU takes half of the padding of both sides for that of the first. One that is
 * not padded is right, and what the padding takes away is cut off behind it.
 */
const convTranspose: Rewrite = ([z, weight, bias], node) => {
  const geometry = op.geometryOf(node);
  const { padding } = geometry;
  const { shape } = node.outputs[0];
  const sides = shape.slice(2).map((length, i) => {
    const [begin, end] = [padding[i], padding[i + shape.length - 2]];
    return { axis: i + 2, length, begin, end };
  });
  if (sides.every(({ begin, end }) => begin === end))
    return [op.convTranspose(z!, weight!, shape, geometry, bias)];
  const whole = [...shape.slice(0, 2), ...sides.map(({ length, begin, end }) => begin + length + end)];
  const none = { ...geometry, padding: padding.map(() => 0) };
  const unpadded = op.convTranspose(z!, weight!, whole, none, bias);
  return [
    op.slice(
      unpadded,
      sides.map(({ axis, length, begin }) => ({ axis, start: begin, end: begin + length })),
    ),
  ];
};

/**
 * ONNX Runtime's convolutions on WebGPU forget padding that is behind the image alone where they are one matrix product. With
 * padding before the image, too, they are right, and the results that it adds are cut off. (Zeros of our own in place of
 * padding are made padding again by ONNX Runtime.)
 */
const conv: Rewrite = ([x, weight, bias], node) => {
  const geometry = op.geometryOf(node);
  const { padding, stride } = geometry;
  const after = padding.slice(stride.length);
  const behindAlone = padding.every((size, i) => size === 0 || i >= stride.length) && after.some(Boolean);
  if (!behindAlone) return [op.conv(x!, weight!, bias, geometry)];
  const z = op.conv(x!, weight!, bias, { ...geometry, padding: [...stride, ...after] });
  const { shape } = node.outputs[0];
  return [
    op.slice(
      z,
      stride.map((_, i) => ({ axis: i + 2, start: 1, end: 1 + shape[i + 2] })),
    ),
  ];
};

// What has no kernel there is left to the CPU. What comes back from it is written to a buffer at once, ahead of kernels that
// are recorded and still to read from that buffer what was there: docs/engines.md. So these are made of what has a kernel.

const logical =
  (joined: (a: Value, b: Value) => Value): Rewrite =>
  ([a, b]) => [op.greater(joined(op.cast(a!, 'float32'), op.cast(b!, 'float32')), 0)];

const selu: Rewrite = ([x], node) => {
  const [alpha, gamma] = ['alpha', 'gamma'].map((name) => node.attributes[name].value as number);
  return [op.mul(op.elu(x!, alpha), gamma)];
};

const celu: Rewrite = ([x], node) => {
  const alpha = node.attributes.alpha.value as number;
  return [alpha > 0 ? op.mul(op.elu(op.div(x!, alpha)), alpha) : op.celu(x!, alpha)];
};

export const webgpuLimits: Rewrites = new Map([
  ['And', logical(op.mul)],
  ['Or', logical(op.add)],
  ['Selu', selu],
  ['Celu', celu],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['Concat', concat],
  ['MaxPool', maxPool],
]);
