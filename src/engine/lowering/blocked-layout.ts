/**
 * ONNX Runtime's blocked layout on the CPU (NCHWc, domain `com.microsoft.nchwc`).
 *
 * A blocked tensor keeps the shape [N, C, H, W], but lies in memory as [N, C / B, H, W, B]: B channels side by side,
 * as many as a vector register holds. Its convolutions run at about twice the speed of the plain ones.
 *
 * A blocked value is known by the ReorderOutput node that gives its plain form: `blocked` looks through that node, and
 * where nobody needs the plain form the node is dead. So each operator is lowered by itself, and layouts change only
 * where they have to.
 */
import { type Attributes, int, ints, string } from '../../graph/attributes.js';
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { tensor } from '../../tensor/tensor.js';

const DOMAIN = 'com.microsoft.nchwc';

/** Whether a tensor can lie in blocked layout: an image whose channels are whole blocks. */
export function fits({ shape, dtype }: Value, block: number): boolean {
  return shape.length === 4 && shape[1] % block === 0 && dtype === 'float32';
}

/** Whether the blocked form of a value exists already. */
export function isBlocked(x: Value): boolean {
  return x.producer?.opType === 'ReorderOutput';
}

/** The blocked form of a plain value. */
export function blocked(x: Value): Value {
  return isBlocked(x) ? x.producer!.inputs[0]! : reorderInput(x);
}

/** The plain form of a blocked value. */
export function plain(x: Value): Value {
  return x.graph.add('ReorderOutput', [x], { channels: int(x.shape[1]) }, [x], DOMAIN)[0];
}

/** Plain to blocked; also the fastest way to transpose [n, B, k] to [n, k, B]. */
export function reorderInput(x: Value): Value {
  return x.graph.add('ReorderInput', [x], { channels_last: int(0) }, [x], DOMAIN)[0];
}

/** [N, H, W, C] to blocked: [n, k, 1, m · B] becomes [n, m, k, B] in memory. */
export function reorderChannelsLast(x: Value): Value {
  const [batch, height, width, channels] = x.shape;
  const result = { dtype: x.dtype, shape: [batch, channels, height, width] };
  return x.graph.add('ReorderInput', [x], { channels_last: int(1) }, [result], DOMAIN)[0];
}

export interface BlockedConvolution {
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
  /** [top, left, bottom, right] */
  readonly padding?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  readonly bias?: Value;
  /** A blocked tensor of the result's shape that is added to it. */
  readonly sum?: Value;
  /** Applied last, to bias and sum too. `clamp` is to [0, 1]. */
  readonly activation?: 'relu' | 'clamp';
}

/**
 * Convolution of blocked tensors.
 *
 * @param x blocked; plain where it has fewer channels than a block
 * @param filter in memory [Cout / B, Cin / B, KH, KW, B in, B out]; for fewer channels than a block, or one a group,
 *   [Cout / B, channels in a group, KH, KW, B out]
 * @param outChannels Cout
 * @returns blocked
 */
export function blockedConv(
  x: Value,
  filter: Value,
  outChannels: number,
  options: BlockedConvolution,
): Value {
  const {
    kernel,
    stride = [1, 1],
    padding = [0, 0, 0, 0],
    dilation = [1, 1],
    groups = 1,
    bias,
    sum,
    activation,
  } = options;
  const [top, left, bottom, right] = padding;
  const size = [0, 1].map((i) => {
    const padded = x.shape[i + 2] + [top + bottom, left + right][i];
    return Math.floor((padded - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1;
  });
  const attributes: Attributes = {
    kernel_shape: ints(kernel),
    strides: ints(stride),
    pads: ints(padding),
    dilations: ints(dilation),
    group: int(groups),
    ...(activation === 'relu' ? { activation: string('Relu') } : {}),
    // HardSigmoid is max(0, min(1, alpha x + beta)).
    ...(activation === 'clamp'
      ? { activation: string('HardSigmoid'), activation_params: { type: 'floats', value: [1, 0] } }
      : {}),
  };
  const result = { dtype: x.dtype, shape: [x.shape[0], outChannels, ...size] };
  return x.graph.add('Conv', [x, filter, bias ?? null, sum ?? null], attributes, [result], DOMAIN)[0];
}

/**
 * `scale · x + shift` per channel in one pass: a 1x1 convolution with a group for each channel.
 *
 * @param x blocked [N, C, H, W]
 * @param scale, shift [C]
 */
export function affine(x: Value, scale: Value, options: { shift?: Value; sum?: Value } = {}): Value {
  const channels = x.shape[1];
  const filter = op.reshape(scale, [channels, 1, 1, 1]);
  return blockedConv(x, filter, channels, {
    kernel: [1, 1],
    groups: channels,
    bias: options.shift,
    sum: options.sum,
  });
}

/** The same as `affine` by one number: `scale · x`. */
export function scaled(x: Value, scale: number, activation?: 'clamp'): Value {
  const channels = x.shape[1];
  const filter = constantFilter(x, scale, channels);
  return blockedConv(x, filter, channels, { kernel: [1, 1], groups: channels, activation });
}

function constantFilter(x: Value, value: number, channels: number): Value {
  return x.graph.constant(tensor('float32', [channels, 1, 1, 1], new Float32Array(channels).fill(value)));
}

/**
 * An affine map (or any blocked convolution) once more, with what follows it done in the same pass. The map as it was
 * is dead if nobody else uses it.
 *
 * @returns undefined where the value is no such convolution, or has been extended in this way already
 */
export function extended(x: Value, extension: { sum: Value } | { activation: 'relu' }): Value | undefined {
  const node = x.producer;
  if (node?.opType !== 'Conv' || node.domain !== DOMAIN || 'activation' in node.attributes) return undefined;
  const [input, filter, bias, sum] = node.inputs;
  if ('sum' in extension && sum) return undefined;
  const inputs = [input, filter, bias, 'sum' in extension ? extension.sum : sum];
  const attributes =
    'sum' in extension ? node.attributes : { ...node.attributes, activation: string('Relu') };
  return x.graph.add('Conv', inputs, attributes, node.outputs, DOMAIN)[0];
}

/**
 * Means over images and positions.
 *
 * @param x blocked [N, C, H, W]
 * @returns [C]
 */
export function channelMeans(x: Value): Value {
  const [batch, channels] = x.shape;
  const pooled = x.graph.add(
    'GlobalAveragePool',
    [x],
    {},
    [{ dtype: x.dtype, shape: [batch, channels, 1, 1] }],
    DOMAIN,
  )[0];
  return op.reduceMean(op.reshape(pooled, [batch, channels]), [0]);
}

/**
 * Σ x · y over images and positions, without writing the products: a convolution with y as the filter and a group for
 * each channel of each image, since y in blocked layout is what such a filter looks like in memory.
 *
 * @param x, y blocked [N, C, H, W]
 * @returns [C]
 */
export function channelDots(x: Value, y: Value): Value {
  const [batch, channels, ...image] = x.shape;
  const rows = batch * channels;
  const filter = op.reshape(y, [rows, 1, ...image]);
  const dots = blockedConv(op.reshape(x, [1, rows, ...image]), filter, rows, { kernel: image, groups: rows });
  return op.reduceSum(op.reshape(dots, [batch, channels]), [0]);
}

/**
 * A weight as a filter of blocked convolutions.
 *
 * @param weight [Cout, Cin, KH, KW], Cout a multiple of B, Cin a multiple of B or less than B
 */
export function blockedFilter(weight: Value, block: number): Value {
  const [out, channels, ...kernel] = weight.shape;
  const taps = kernel[0] * kernel[1];
  // [Cout / B, B out, Cin · taps] → [Cout / B, Cin · taps, B out]
  const outermost = reorderInput(op.reshape(weight, [out / block, block, 1, channels * taps]));
  if (channels < block) return op.reshape(outermost, weight.shape);
  const rows = op.reshape(outermost, [out / block, channels / block, block, taps, block]);
  return op.reshape(op.transpose(rows, [0, 1, 3, 2, 4]), weight.shape);
}

/**
 * The filter of the convolution from gradients back to images: inputs and outputs exchanged, and the given taps of
 * the kernel in the given order.
 *
 * @param filter a weight as `blockedFilter` gives it, of shape [Cout, Cin, KH, KW]
 * @returns of shape [Cin, Cout, rows.length, columns.length]
 */
export function gradientFilter(
  filter: Value,
  block: number,
  rows: readonly number[],
  columns: readonly number[],
): Value {
  const [out, channels, height, width] = filter.shape;
  const [outBlocks, inBlocks] = [out / block, channels / block];
  const indices: number[] = [];
  for (let i = 0; i < inBlocks; i++) {
    for (let o = 0; o < outBlocks; o++) {
      for (const row of rows) {
        for (const column of columns) indices.push(((o * inBlocks + i) * height + row) * width + column);
      }
    }
  }
  const tiles = op.reshape(filter, [outBlocks * inBlocks * height * width, block * block]);
  const chosen = op.gather(tiles, indices);
  // Each tile is [B in, B out]; the reordering transposes all of them at once.
  const transposed = reorderInput(op.reshape(chosen, [indices.length, block, block, 1]));
  return op.reshape(transposed, [channels, out, rows.length, columns.length]);
}
