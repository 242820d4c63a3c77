/** Convolution of one, two or three dimensions and its gradients, and the patches it looks at. */
import { type Shape, elementCount, formatShape, sameShape } from '../../tensor/tensor.js';
import { type Attributes, int, ints } from '../attributes.js';
import { GraphError, type Node, TRACT_DOMAIN, type Value, describe } from '../graph.js';
import { transpose } from './shape.js';

/** How a kernel moves over an image; lists have a number for each axis of the image, as [vertical, horizontal]. */
export interface ConvolutionGeometry {
  /** Default 1 each. */
  readonly stride: readonly number[];
  /** Zeros around the image: first those before each axis, then those behind; [top, left, bottom, right]. Default none. */
  readonly padding: readonly number[];
  /** Default 1 each. */
  readonly dilation: readonly number[];
  /** Groups of channels that are convolved separately. Default 1. */
  readonly groups: number;
}

const filled = (length: number, value: number): number[] => Array<number>(length).fill(value);

/** The geometry with defaults filled in. */
export function geometry(options: Partial<ConvolutionGeometry> = {}, dimensions = 2): ConvolutionGeometry {
  return {
    stride: filled(dimensions, 1),
    padding: filled(2 * dimensions, 0),
    dilation: filled(dimensions, 1),
    groups: 1,
    ...options,
  };
}

/** The lengths that a kernel leaves of an image's axes. */
export function outputSize(
  image: readonly number[],
  kernel: readonly number[],
  { stride, padding, dilation }: Pick<ConvolutionGeometry, 'stride' | 'padding' | 'dilation'>,
): number[] {
  return image.map((length, axis) => {
    const padded = length + padding[axis] + padding[axis + image.length];
    return Math.floor((padded - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
  });
}

function checked(opType: string, options: ConvolutionGeometry, dimensions: number, described: string): void {
  const { stride, padding, dilation, groups } = options;
  const positive = [...stride, ...dilation, groups].every((value) => Number.isInteger(value) && value > 0);
  const lengths = [stride.length, dilation.length, padding.length / 2].every(
    (length) => length === dimensions,
  );
  if (!positive || !lengths || !padding.every((value) => Number.isInteger(value) && value >= 0)) {
    throw new GraphError(
      `${opType}: stride [${stride.join()}], padding [${padding.join()}], dilation [${dilation.join()}], groups ${groups} are no geometry for ${described}`,
    );
  }
}

function attributesOf(
  kernel: readonly number[],
  { stride, padding, dilation, groups }: ConvolutionGeometry,
): Attributes {
  return {
    kernel_shape: ints(kernel),
    strides: ints(stride),
    pads: ints(padding),
    dilations: ints(dilation),
    group: int(groups),
  };
}

/** The geometry a Conv node (or one of its gradients) was built with. */
export function geometryOf(node: Node): ConvolutionGeometry {
  const list = (name: string): number[] => node.attributes[name].value as number[];
  return {
    stride: list('strides'),
    padding: list('pads'),
    dilation: list('dilations'),
    groups: node.attributes.group.value as number,
  };
}

/** The most dimensions of an image: those that ONNX Runtime has convolutions for. */
const MAXIMUM_DIMENSIONS = 3;

/** The shape that a convolution gives, after all checks of what goes into it. */
function resultShape(
  opType: string,
  x: Shape,
  weight: Shape,
  options: ConvolutionGeometry,
  described: string,
): Shape {
  const [batch, channels, ...image] = x;
  const [out, channelsInGroup, ...kernel] = weight;
  const dimensions = kernel.length;
  const fits =
    image.length === dimensions &&
    dimensions >= 1 &&
    dimensions <= MAXIMUM_DIMENSIONS &&
    channels === channelsInGroup * options.groups &&
    out % options.groups === 0;
  if (image.length === dimensions && dimensions >= 1) checked(opType, options, dimensions, described);
  if (!fits)
    throw new GraphError(
      `${opType}: image, weight and bias do not fit with ${options.groups} group(s): ${described}`,
    );
  const size = outputSize(image, kernel, options);
  if (size.some((length) => length < 1))
    throw new GraphError(`${opType}: the kernel is larger than the padded image: ${described}`);
  return [batch, out, ...size];
}

/** Refuses a gradient that is not of the shape and type that the convolution gives. */
function checkGradient(
  opType: string,
  gradZ: Value,
  other: Value,
  x: Shape,
  weight: Shape,
  options: ConvolutionGeometry,
): void {
  const described = `${describe(gradZ, other)} for an image of ${formatShape(x)} and a weight of ${formatShape(weight)}`;
  const shape = resultShape(opType, x, weight, options, described);
  if (gradZ.dtype !== other.dtype || !sameShape(gradZ.shape, shape))
    throw new GraphError(`${opType}: the gradient is not ${formatShape(shape)}: ${described}`);
}

/**
 * ONNX Conv-11, of one to three dimensions.
 *
 * @param x [N, Cin, H, W], or with one or three lengths in the place of H, W; so below
 * @param weight [Cout, Cin / groups, KH, KW]
 * @param bias [Cout]
 * @returns [N, Cout, OH, OW]
 */
export function conv(
  x: Value,
  weight: Value,
  bias: Value | null = null,
  options: Partial<ConvolutionGeometry> = {},
): Value {
  const full = geometry(options, Math.max(x.shape.length - 2, 0));
  const described = bias ? describe(x, weight, bias) : describe(x, weight);
  const shape = resultShape('Conv', x.shape, weight.shape, full, described);
  const fits = bias
    ? bias.shape.length === 1 && bias.shape[0] === weight.shape[0] && bias.dtype === x.dtype
    : true;
  if (!fits || x.dtype !== weight.dtype)
    throw new GraphError(
      `Conv: image, weight and bias do not fit with ${full.groups} group(s): ${described}`,
    );
  return x.graph.add('Conv', [x, weight, bias], attributesOf(weight.shape.slice(2), full), [
    { dtype: x.dtype, shape },
  ])[0];
}

/**
 * The gradient of a convolution towards its image (tract.ConvGradInput).
 *
 * @param gradZ [N, Cout, OH, OW]
 * @param weight [Cout, Cin / groups, KH, KW]
 * @param imageShape [N, Cin, H, W]
 */
export function convGradInput(
  gradZ: Value,
  weight: Value,
  imageShape: Shape,
  options: ConvolutionGeometry,
): Value {
  checkGradient('ConvGradInput', gradZ, weight, imageShape, weight.shape, options);
  return gradZ.graph.add(
    'ConvGradInput',
    [gradZ, weight],
    attributesOf(weight.shape.slice(2), options),
    [{ dtype: gradZ.dtype, shape: imageShape }],
    TRACT_DOMAIN,
  )[0];
}

/**
 * The gradient of a convolution towards its weight (tract.ConvGradWeight).
 *
 * @param x [N, Cin, H, W]
 * @param gradZ [N, Cout, OH, OW]
 * @param weightShape [Cout, Cin / groups, KH, KW]
 */
export function convGradWeight(
  x: Value,
  gradZ: Value,
  weightShape: Shape,
  options: ConvolutionGeometry,
): Value {
  checkGradient('ConvGradWeight', gradZ, x, x.shape, weightShape, options);
  return x.graph.add(
    'ConvGradWeight',
    [x, gradZ],
    attributesOf(weightShape.slice(2), options),
    [{ dtype: x.dtype, shape: weightShape }],
    TRACT_DOMAIN,
  )[0];
}

/**
 * ONNX ConvTranspose-11, as the gradient of the convolution with the same geometry.
 *
 * @param z [N, Cout, OH, OW]
 * @param weight [Cout, Cin / groups, KH, KW], the weight of the convolution
 * @param imageShape [N, Cin, H, W], the shape of the result
 * @param bias [Cin], added to the result
 */
export function convTranspose(
  z: Value,
  weight: Value,
  imageShape: Shape,
  options: ConvolutionGeometry,
  bias: Value | null = null,
): Value {
  checkGradient('ConvTranspose', z, weight, imageShape, weight.shape, options);
  if (bias && (bias.dtype !== z.dtype || !sameShape(bias.shape, [imageShape[1]])))
    throw new GraphError(
      `ConvTranspose: ${describe(bias)} is no bias of an image of ${formatShape(imageShape)}`,
    );
  const { stride, padding, dilation } = options;
  const kernel = weight.shape.slice(2);
  // What the last stride did not reach gets no gradient; ONNX calls it output padding.
  const outputPadding = kernel.map((size, i) => {
    const padded = padding[i] + padding[i + kernel.length];
    const reached = stride[i] * (z.shape[i + 2] - 1) + dilation[i] * (size - 1) + 1 - padded;
    return imageShape[i + 2] - reached;
  });
  const attributes = { ...attributesOf(kernel, options), output_padding: ints(outputPadding) };
  const inputs = bias ? [z, weight, bias] : [z, weight];
  return z.graph.add('ConvTranspose', inputs, attributes, [{ dtype: z.dtype, shape: imageShape }])[0];
}

/** [N, C, ...] as [C, N, ...]. */
export function channelsFirst(x: Value): Value {
  return transpose(
    x,
    x.shape.map((_, axis) => (axis < 2 ? 1 - axis : axis)),
  );
}

/**
 * The Gram matrix of a convolution's patches (tract.ConvGram): `xᵀx` with one row of x for each output position.
 *
 * @param x [N, Cin, H, W]
 * @param kernel [KH, KW]
 * @returns [groups, n, n] with n = Cin / groups · KH · KW, entries in the order channel, row, column
 */
export function convGram(x: Value, kernel: readonly number[], options: ConvolutionGeometry): Value {
  const features = (x.shape[1] / options.groups) * elementCount(kernel);
  return x.graph.add(
    'ConvGram',
    [x],
    attributesOf(kernel, options),
    [{ dtype: x.dtype, shape: [options.groups, features, features] }],
    TRACT_DOMAIN,
  )[0];
}

/**
 * The patches a convolution looks at (tract.ConvPatches), one column an output position.
 *
 * @param x [N, Cin, H, W]
 * @param kernel [KH, KW]
 * @returns [groups, n, N · OH · OW] with n as in `convGram`
 */
export function convPatches(x: Value, kernel: readonly number[], options: ConvolutionGeometry): Value {
  const [batch, channels, ...image] = x.shape;
  const positions = batch * elementCount(outputSize(image, kernel, options));
  const shape = [options.groups, (channels / options.groups) * elementCount(kernel), positions];
  return x.graph.add(
    'ConvPatches',
    [x],
    attributesOf(kernel, options),
    [{ dtype: x.dtype, shape }],
    TRACT_DOMAIN,
  )[0];
}
