/** Convolutions and their gradients in blocked layout; each is undefined where the layout does not fit. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import {
  blocked,
  blockedConv,
  blockedFilter,
  fits,
  gradientFilter,
  plain,
  reorderChannelsLast,
  reorderInput,
} from './blocked-layout.js';

/** Whether a weight [Cout, Cin, KH, KW] can be a blocked filter. */
function filterFits(weight: readonly number[], groups: number, block: number): boolean {
  const [out, channels] = weight;
  return (
    weight.length === 4 && groups === 1 && out % block === 0 && (channels % block === 0 || channels < block)
  );
}

/** z = x * weight + bias */
export function conv(
  x: Value,
  weight: Value,
  bias: Value | null,
  node: Node,
  block: number,
): Value | undefined {
  const { stride, padding, dilation, groups } = op.geometryOf(node);
  if (x.dtype !== 'float32' || !filterFits(weight.shape, groups, block)) return undefined;
  const input = x.shape[1] < block ? x : blocked(x);
  const kernel = weight.shape.slice(2);
  return plain(
    blockedConv(input, blockedFilter(weight, block), weight.shape[0], {
      kernel,
      stride,
      padding,
      dilation,
      bias: bias ?? undefined,
    }),
  );
}

/** One axis of one phase: which taps of the kernel reach it, and the padding of the convolution that they make. */
interface Phase {
  readonly taps: readonly number[];
  readonly before: number;
  readonly after: number;
}

/**
 * The rows `phase, phase + stride, …` of the image get their gradients from every stride-th tap of the kernel: a
 * convolution of its own over the gradients, with stride 1.
 */
function phases(
  stride: number,
  padding: number,
  dilation: number,
  kernel: number,
  size: number,
  outSize: number,
): Phase[] {
  return Array.from({ length: stride }, (_, phase) => {
    const reaching = Array.from({ length: kernel }, (_, tap) => tap).filter(
      (tap) => (phase + padding - tap * dilation) % stride === 0,
    );
    // Where in the gradients each tap looks for the phase's first row, in ascending order.
    const offsets = reaching.map((tap) => (phase + padding - tap * dilation) / stride).reverse();
    const rows = Math.ceil((size - phase) / stride);
    const [first, last] = [offsets.at(0) ?? 0, offsets.at(-1) ?? 0];
    return { taps: reaching.reverse(), before: -first, after: rows - outSize + last };
  });
}

/** The gradient towards the image: for each phase of the stride a convolution, then the phases interleaved. */
export function convGradInput(gradZ: Value, weight: Value, node: Node, block: number): Value | undefined {
  const { stride, padding, dilation, groups } = op.geometryOf(node);
  const [batch, channels, height, width] = node.outputs[0].shape;
  const kernel = weight.shape.slice(2);
  const [size, outSize] = [[height, width], gradZ.shape.slice(2)];
  if (!fits(gradZ, block) || channels % block !== 0 || !filterFits(weight.shape, groups, block))
    return undefined;
  if (size.some((length, i) => length % stride[i] !== 0)) return undefined;
  // With a stride, a dilation leaves the taps of a phase unevenly spaced; without one, they keep its spacing.
  if (stride.some((step, i) => step > 1 && dilation[i] > 1)) return undefined;
  const axes = [0, 1].map((i) => phases(stride[i], padding[i], dilation[i], kernel[i], size[i], outSize[i]));
  if (axes.flat().some(({ taps, before, after }) => taps.length > 0 && (before < 0 || after < 0)))
    return undefined;

  const filter = blockedFilter(weight, block);
  const gradient = blocked(gradZ);
  const phase = (rows: Phase, columns: Phase): Value | undefined => {
    if (rows.taps.length === 0 || columns.taps.length === 0) return undefined;
    return blockedConv(gradient, gradientFilter(filter, block, rows.taps, columns.taps), channels, {
      kernel: [rows.taps.length, columns.taps.length],
      dilation,
      padding: [rows.before, columns.before, rows.after, columns.after],
    });
  };
  const parts = axes[0].map((rows) => axes[1].map((columns) => phase(rows, columns)));
  const image = interleave(parts, [batch, channels / block, height, width], stride, block);
  return image && plain(op.reshape(image, [batch, channels, height, width]));
}

/**
 * Puts the phases of an image together, row by row and column by column.
 *
 * @param parts blocked images of [height / stride, width / stride], by phase of row and column; absent ones are zero
 * @param shape [N, C / B, height, width]
 */
function interleave(
  parts: readonly (readonly (Value | undefined)[])[],
  [batch, blocks, height, width]: readonly number[],
  stride: readonly number[],
  block: number,
): Value | undefined {
  const [rows, columns] = [height / stride[0], width / stride[1]];
  const [corner] = parts[0];
  const present = parts.flat().filter((part) => part !== undefined);
  if (corner && present.length === 1) {
    // A 1x1 kernel with a stride reaches every stride-th pixel only.
    const spread = op.reshape(corner, [batch * blocks * rows, 1, columns, block]);
    return op.pad(spread, [0, 0, 0, 0], [0, stride[0] - 1, 0, (stride[1] - 1) * block]);
  }
  if (present.length < stride[0] * stride[1]) return undefined;
  const joined = parts.map((row) => {
    const pixels = row.map((part) => op.reshape(part!, [batch * blocks * rows * columns, block]));
    return op.reshape(op.concat(pixels, 1), [batch * blocks * rows, width * block]);
  });
  return op.concat(joined, 1);
}

/**
 * The gradient towards the weight: a convolution with the batch as channels and the gradients as the filter, whose
 * taps lie as far apart as the stride. The channels of the image are interleaved into its width, so that one
 * convolution computes the sums of all of them.
 */
export function convGradWeight(x: Value, gradZ: Value, node: Node, block: number): Value | undefined {
  const { stride, padding, dilation, groups } = op.geometryOf(node);
  const [out, channels, ...kernel] = node.outputs[0].shape;
  const [batch, , height, width] = x.shape;
  const [outHeight, outWidth] = gradZ.shape.slice(2);
  const dilated = dilation.some((step) => step > 1);
  if (
    batch % block !== 0 ||
    !fits(gradZ, block) ||
    dilated ||
    !filterFits([out, channels, ...kernel], groups, block)
  )
    return undefined;
  // How far the last window reaches beyond the image; less than nothing where the stride leaves a rest.
  const beyond = [
    stride[0] * (outHeight - 1) + kernel[0] - height - padding[0],
    stride[1] * (outWidth - 1) + kernel[1] - width - padding[1],
  ];
  const [inner, inBlocks] = channels < block ? [channels, 1] : [block, channels / block];
  const interleaved =
    channels < block
      ? op.reshape(op.transpose(x, [0, 2, 3, 1]), [1, batch, height, width * inner])
      : op.transpose(op.reshape(blocked(x), [batch, inBlocks, height, width * inner]), [1, 0, 2, 3]);
  // Padding of the width by attribute would take the kernel off its fast path; that of the height skips work.
  const padded = op.pad(
    interleaved,
    [0, 0, 0, padding[1] * inner],
    [0, 0, 0, Math.max(beyond[1], 0) * inner],
  );
  const positions = outHeight * outWidth;
  const byChannel = op.transpose(
    op.reshape(blocked(gradZ), [batch, out / block, positions * block]),
    [1, 0, 2],
  );
  const filter = reorderChannelsLast(
    op.reshape(byChannel, [(out * batch) / block ** 2, block, 1, positions * block]),
  );
  const sums = blockedConv(reorderInput(padded), op.reshape(filter, [out, batch, outHeight, outWidth]), out, {
    kernel: [outHeight, outWidth],
    dilation: [stride[0], stride[1] * inner],
    padding: [padding[0], 0, Math.max(beyond[0], 0), 0],
  });
  return op.reshape(toWeight(sums, kernel, inner, block), [out, channels, ...kernel]);
}

/**
 * @param sums blocked [Cin / inner, Cout, KH or more, (KW or more) · inner]
 * @returns [Cout, Cin, KH, KW] in order, but for its shape
 */
function toWeight(sums: Value, kernel: readonly number[], inner: number, block: number): Value {
  const [inBlocks, out, rows, columns] = sums.shape;
  const taps = kernel[0] * kernel[1];
  const all = op.reshape(sums, [inBlocks, out / block, rows, columns, block]);
  const wanted = op.slice(all, [
    { axis: 2, start: 0, end: kernel[0] },
    { axis: 3, start: 0, end: kernel[1] * inner },
  ]);
  const byOutput = op.transpose(
    op.reshape(wanted, [inBlocks, out / block, taps, inner, block]),
    [1, 0, 3, 2, 4],
  );
  return plain(op.reshape(byOutput, [out / block, block, 1, inBlocks * inner * taps]));
}
