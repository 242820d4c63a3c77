/**
 * The lowering for ONNX Runtime on WebAssembly: the plain forms, but for convolutions of very small images.
 *
 * A convolution there is a matrix product for each image, with a column a position, and columns are computed sixteen at a
 * time: a 2x2 image takes four times as long as it has to. The patches of a whole batch are one matrix product with as many
 * columns as there are positions in all images.
 */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrites } from '../../graph/rewrite.js';
import { elementCount } from '../../tensor/tensor.js';
import { orPlain } from './or-plain.js';
import { patches, sliceCount } from './patches.js';
import { portable } from './portable.js';

/** Positions of an image up to which its batch is one product; with more of them writing the patches costs more. */
const FEW_POSITIONS = 9;

/** Whether a convolution to images of that size is made over the patches of the whole batch. */
function applies(x: Value, size: readonly number[], kernel: readonly number[], groups: number): boolean {
  const positions = elementCount(size);
  const alone = x.shape[0] === 1;
  return groups === 1 && !alone && positions <= FEW_POSITIONS && sliceCount(x, positions, kernel) === 1;
}

/**
 * @param x [N, Cin, …]
 * @param rows [Cout, Cin · taps]
 * @returns [N, Cout, …]
 */
function product(
  x: Value,
  rows: Value,
  kernel: readonly number[],
  geometry: op.ConvolutionGeometry,
  bias: Value | null,
): Value {
  const [batch, , ...image] = x.shape;
  const size = op.outputSize(image, kernel, geometry);
  const [out, length] = rows.shape;
  const columns = op.reshape(patches(op.channelsFirst(x), kernel, geometry), [length, -1]);
  const z = op.matMul(rows, columns);
  const sum = bias ? op.add(z, op.reshape(bias, [out, 1])) : z;
  return op.channelsFirst(op.reshape(sum, [out, batch, ...size]));
}

function conv(x: Value, weight: Value, bias: Value | null, node: Node): Value | undefined {
  const geometry = op.geometryOf(node);
  const [out, , ...kernel] = weight.shape;
  if (!applies(x, node.outputs[0].shape.slice(2), kernel, geometry.groups)) return undefined;
  return product(x, op.reshape(weight, [out, -1]), kernel, geometry, bias);
}

/** Without a stride the gradient of the image is a convolution, with the kernel turned around and channels exchanged. */
function convGradInput(gradZ: Value, weight: Value, node: Node): Value | undefined {
  const { stride, padding, dilation, groups } = op.geometryOf(node);
  const [out, channels, ...kernel] = weight.shape;
  const axes = kernel.length;
  const image = node.outputs[0].shape.slice(2);
  const around = padding.map((zeros, i) => dilation[i % axes] * (kernel[i % axes] - 1) - zeros);
  if (stride.some((step) => step > 1) || around.some((zeros) => zeros < 0)) return undefined;
  if (!applies(gradZ, image, kernel, groups)) return undefined;
  const taps = elementCount(kernel);
  const byTap = op.transpose(op.reshape(weight, [out, channels, taps]), [2, 1, 0]);
  const turned = op.gather(
    byTap,
    Array.from({ length: taps }, (_, tap) => taps - 1 - tap),
  );
  const rows = op.reshape(op.transpose(turned, [1, 2, 0]), [channels, out * taps]);
  return product(gradZ, rows, kernel, op.geometry({ padding: around, dilation }, axes), null);
}

export const wasm: Rewrites = new Map([
  ...portable,
  orPlain('Conv', ([x, weight, bias], node) => conv(x!, weight!, bias ?? null, node)),
  orPlain('tract.ConvGradInput', ([gradZ, weight], node) => convGradInput(gradZ!, weight!, node)),
]);
