/** Two-dimensional convolution and its gradients, and the patches it looks at. */
import { type Shape, formatShape, sameShape } from '../../tensor/tensor.js';
import { type Attributes, int, ints } from '../attributes.js';
import { GraphError, type Node, TRACT_DOMAIN, type Value, describe } from '../graph.js';

/** How a kernel moves over an image; pairs are [vertical, horizontal]. */
export interface ConvolutionGeometry {
  /** Default [1, 1]. */
  readonly stride: readonly [number, number];
  /** Zeros around the image: [top, left, bottom, right], ONNX's order. Default none. */
  readonly padding: readonly [number, number, number, number];
  /** Default [1, 1]. */
  readonly dilation: readonly [number, number];
  /** Groups of channels that are convolved separately. Default 1. */
  readonly groups: number;
}

/** The geometry with defaults filled in. */
export function geometry(options: Partial<ConvolutionGeometry> = {}): ConvolutionGeometry {
  return { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, ...options };
}

/** The height and width a kernel leaves of an image. */
export function outputSize(
  [height, width]: readonly number[],
  [kernelHeight, kernelWidth]: readonly number[],
  { stride, padding, dilation }: ConvolutionGeometry,
): [number, number] {
  const [top, left, bottom, right] = padding;
  return [
    Math.floor((height + top + bottom - dilation[0] * (kernelHeight - 1) - 1) / stride[0]) + 1,
    Math.floor((width + left + right - dilation[1] * (kernelWidth - 1) - 1) / stride[1]) + 1,
  ];
}

function checked(opType: string, options: ConvolutionGeometry, described: string): void {
  const { stride, padding, dilation, groups } = options;
  const positive = [...stride, ...dilation, groups].every((value) => Number.isInteger(value) && value > 0);
  if (!positive || !padding.every((value) => Number.isInteger(value) && value >= 0)) {
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
    stride: list('strides') as [number, number],
    padding: list('pads') as [number, number, number, number],
    dilation: list('dilations') as [number, number],
    groups: node.attributes.group.value as number,
  };
}

/** The shape that a convolution gives, after all checks of what goes into it. */
function resultShape(
  opType: string,
  x: Shape,
  weight: Shape,
  options: ConvolutionGeometry,
  described: string,
): Shape {
  checked(opType, options, described);
  const [batch, channels, ...image] = x;
  const [out, channelsInGroup, ...kernel] = weight;
  const fits =
    image.length === 2 &&
    kernel.length === 2 &&
    channels === channelsInGroup * options.groups &&
    out % options.groups === 0;
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
 * ONNX Conv-11.
 *
 * @param x [N, Cin, H, W]
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
  const full = geometry(options);
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
 */
export function convTranspose(
  z: Value,
  weight: Value,
  imageShape: Shape,
  options: ConvolutionGeometry,
): Value {
  checkGradient('ConvTranspose', z, weight, imageShape, weight.shape, options);
  const { stride, padding, dilation } = options;
  const kernel = weight.shape.slice(2);
  // What the last stride did not reach gets no gradient; ONNX calls it output padding.
  const outputPadding = [0, 1].map((i) => {
    const reached =
      stride[i] * (z.shape[i + 2] - 1) + dilation[i] * (kernel[i] - 1) + 1 - padding[i] - padding[i + 2];
    return imageShape[i + 2] - reached;
  });
  const attributes = { ...attributesOf(kernel, options), output_padding: ints(outputPadding) };
  return z.graph.add('ConvTranspose', [z, weight], attributes, [{ dtype: z.dtype, shape: imageShape }])[0];
}

/**
 * The Gram matrix of a convolution's patches (tract.ConvGram): `xᵀx` with one row of x for each output position.
 *
 * @param x [N, Cin, H, W]
 * @param kernel [KH, KW]
 * @returns [groups, n, n] with n = Cin / groups · KH · KW, entries in the order channel, row, column
 */
export function convGram(x: Value, kernel: readonly number[], options: ConvolutionGeometry): Value {
  const features = (x.shape[1] / options.groups) * kernel[0] * kernel[1];
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
  const [height, width] = outputSize(image, kernel, options);
  const shape = [options.groups, (channels / options.groups) * kernel[0] * kernel[1], batch * height * width];
  return x.graph.add(
    'ConvPatches',
    [x],
    attributesOf(kernel, options),
    [{ dtype: x.dtype, shape }],
    TRACT_DOMAIN,
  )[0];
}
