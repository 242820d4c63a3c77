/** Images in other sizes, and at any positions. */
import { type Shape, formatShape, tensor } from '../../tensor/tensor.js';
import { float, int, ints, string } from '../attributes.js';
import { GraphError, type Node, type Value, describe } from '../graph.js';
import type { AxisMap } from './axis-map.js';
import { checkNumber } from './build.js';
import { int64s } from './shape.js';

/** How elements of the result are computed of those beside them. */
export const resizeModes = ['nearest', 'linear', 'cubic'] as const;
/** ONNX's names of the ways to find where an element of the result lies in x. */
export const coordinateModes = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_crop_and_resize',
] as const;
/** How the nearest element is found. */
export const nearestModes = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

/** ONNX's names of the ways to keep the ratio of lengths: no axis is longer than its size, or none shorter. */
export const aspectRatioPolicies = ['not_larger', 'not_smaller'] as const;

/** Options of `resize`. */
export interface ResizeOptions {
  /** Default `nearest`. */
  readonly mode?: (typeof resizeModes)[number];
  /** Default `half_pixel`. */
  readonly coordinates?: (typeof coordinateModes)[number];
  /** Of mode `nearest`. Default `round_prefer_floor`. */
  readonly nearest?: (typeof nearestModes)[number];
  /** The coefficient a of mode `cubic`. Default -0.75. */
  readonly cubicCoefficient?: number;
  /** Whether in mode `cubic` what lies outside of x has no weight; else the border continues. Default false. */
  readonly excludeOutside?: boolean;
  /** Whether scaling down averages over what lies between (`linear` and `cubic`). Default false. */
  readonly antialias?: boolean;
  /** Of `tf_crop_and_resize`: the part of x, first the beginnings along each axis, then the ends; 0 to 1. */
  readonly region?: readonly number[];
  /** Of `tf_crop_and_resize`: what lies outside of x. Default 0. */
  readonly extrapolation?: number;
  /** By sizes: these axes are scaled by one factor. Default: each by its own. */
  readonly aspectRatio?: {
    readonly policy: (typeof aspectRatioPolicies)[number];
    readonly axes: readonly number[];
  };
}

/**
 * ONNX Resize-19. ONNX Runtime has kernels for images of two axes (all modes) and for those of one and three (`nearest`
 * and `linear`).
 *
 * @param target the lengths of the result, or the factors of the lengths of x, for every axis
 */
export function resize(
  x: Value,
  target: { readonly sizes: Shape } | { readonly scales: readonly number[] },
  options: ResizeOptions = {},
): Value {
  const { mode = 'nearest', coordinates = 'half_pixel', nearest = 'round_prefer_floor' } = options;
  const { cubicCoefficient = -0.75, excludeOutside = false, antialias = false } = options;
  const { region, extrapolation = 0, aspectRatio } = options;
  checkNumber('Resize', 'cubicCoefficient', cubicCoefficient);
  checkNumber('Resize', 'extrapolation', extrapolation);
  const bySizes = 'sizes' in target;
  const numbers = bySizes ? target.sizes : target.scales.map(Math.fround);
  const crops = coordinates === 'tf_crop_and_resize';
  const factor = aspectRatio && bySizes ? commonFactor(x.shape, numbers, aspectRatio) : undefined;
  const rounded = (length: number, axis: number): number =>
    aspectRatio?.axes.includes(axis) ? Math.round(f(factor! * length)) : length;
  const shape =
    factor !== undefined
      ? x.shape.map(rounded)
      : bySizes
        ? target.sizes
        : x.shape.map((length, axis) => Math.floor(length * numbers[axis]));
  const fits =
    numbers.length === x.shape.length &&
    numbers.every((number) => Number.isFinite(number) && number > 0) &&
    shape.every((length) => Number.isSafeInteger(length) && length > 0) &&
    (!crops || (region?.length === 2 * x.shape.length && region.every(Number.isFinite)));
  if (!fits || (antialias && mode === 'nearest') || (aspectRatio && (!bySizes || crops))) {
    const part = crops ? ` and the region ${formatShape(region ?? [])}` : '';
    throw new GraphError(
      `Resize: ${describe(x)} cannot be resized by mode ${mode} to the ${bySizes ? 'sizes' : 'scales'} ${formatShape(numbers)}${part}`,
    );
  }
  const { graph } = x;
  const floats = (values: readonly number[]): Value =>
    graph.constant(tensor('float32', [values.length], values));
  const attributes = {
    mode: string(mode),
    coordinate_transformation_mode: string(coordinates),
    nearest_mode: string(nearest),
    cubic_coeff_a: float(cubicCoefficient),
    exclude_outside: int(excludeOutside ? 1 : 0),
    antialias: int(antialias ? 1 : 0),
    extrapolation_value: float(extrapolation),
  };
  const roi = crops ? floats(region!) : null;
  if (!bySizes)
    return graph.add('Resize', [x, roi, floats(numbers)], attributes, [{ dtype: x.dtype, shape }])[0];
  // Without the number of images, where that stays: so the node is the same for any number of them.
  const batch = shape[0] === x.shape[0] && x.shape.length > 1 && !crops;
  const axes = aspectRatio?.axes ?? x.shape.map((_, axis) => axis).slice(batch ? 1 : 0);
  const sizes = int64s(
    graph,
    axes.map((axis) => target.sizes[axis]),
  );
  return graph.add(
    'Resize',
    [x, roi, null, sizes],
    {
      ...attributes,
      ...((batch || aspectRatio) && { axes: ints(axes) }),
      ...(aspectRatio && { keep_aspect_ratio_policy: string(aspectRatio.policy) }),
    },
    [{ dtype: x.dtype, shape }],
  )[0];
}

const f = Math.fround;

/** The factor of all axes whose ratio is kept; in float32, as ONNX Runtime computes it. */
function commonFactor(
  lengths: Shape,
  sizes: Shape,
  { policy, axes }: NonNullable<ResizeOptions['aspectRatio']>,
): number {
  const factors = axes.map((axis) => f(sizes[axis] / lengths[axis]));
  return policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors);
}

/** That factor of a node; undefined where each axis has its own. */
function commonFactorOf({ attributes, inputs }: Node): number | undefined {
  if (!Object.hasOwn(attributes, 'keep_aspect_ratio_policy')) return undefined;
  const lengths = inputs[0]!.shape;
  const axes = attributes.axes.value as readonly number[];
  const given = Array.from(inputs[3]!.constant!.data, Number);
  const sizes = lengths.map((length, axis) => (axes.includes(axis) ? given[axes.indexOf(axis)] : length));
  const policy = attributes.keep_aspect_ratio_policy.value as (typeof aspectRatioPolicies)[number];
  return commonFactor(lengths, sizes, { policy, axes });
}

/** What of a node says how one axis is resized. */
interface ResizedAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly region: readonly [number, number];
  readonly text: (name: string) => string;
  readonly number: (name: string) => number;
}

/** Where element i of the result lies in x; in float32, as ONNX Runtime computes it. */
function coordinate(i: number, { from, to, scale, region, text }: ResizedAxis): number {
  const halfPixel = f(f(f(i + 0.5) / scale) - 0.5);
  switch (text('coordinate_transformation_mode') as (typeof coordinateModes)[number]) {
    case 'half_pixel':
      return halfPixel;
    case 'half_pixel_symmetric': {
      const adjustment = f(to / f(scale * from));
      return f(f(f(from / 2) * f(1 - adjustment)) + halfPixel);
    }
    case 'pytorch_half_pixel':
      return to > 1 ? halfPixel : 0;
    case 'align_corners':
      return to === 1 ? 0 : f(f(i * (from - 1)) / (to - 1));
    case 'asymmetric':
      return f(i / scale);
    case 'tf_crop_and_resize': {
      const [start, end] = region;
      if (to === 1) return f(0.5 * f(f(start + end) * (from - 1)));
      return f(f(start * (from - 1)) + f(f(f(i * f(end - start)) * (from - 1)) / (to - 1)));
    }
  }
}

const clamp = (index: number, length: number): number => Math.min(Math.max(index, 0), length - 1);

/** C's roundf: halves away from zero. */
const rounded = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function nearestIndex(at: number, mode: (typeof nearestModes)[number]): number {
  switch (mode) {
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'round_prefer_ceil':
      return rounded(at);
    case 'round_prefer_floor':
      return at === Math.trunc(at) + 0.5 ? Math.floor(at) : rounded(at);
  }
}

/** The weight of an element at a distance, by Keys' cubic convolution. */
function cubicWeight(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

type Weights = readonly (readonly [number, number])[];

function normalized(weights: Weights): Weights {
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  return weights.map(([index, weight]) => [index, weight / sum]);
}

/** Which elements of x element i of the result is made of. */
function weightsOf(i: number, axis: ResizedAxis): Weights {
  const { from, text, number } = axis;
  const at = coordinate(i, axis);
  const crops = text('coordinate_transformation_mode') === 'tf_crop_and_resize';
  // There the result is the extrapolation value, whatever x is.
  if (crops && (at < 0 || at > from - 1)) return [];
  const mode = text('mode') as (typeof resizeModes)[number];
  const a = number('cubic_coeff_a');
  if (number('antialias') === 1) return averaged(at, axis, mode === 'linear' ? undefined : a);
  switch (mode) {
    case 'nearest':
      return [[clamp(nearestIndex(at, text('nearest_mode') as (typeof nearestModes)[number]), from), 1]];
    case 'linear': {
      const inside = Math.min(Math.max(at, 0), from - 1);
      const first = Math.floor(inside);
      const weight = inside - first;
      return weight === 0
        ? [[first, 1]]
        : [
            [first, 1 - weight],
            [first + 1, weight],
          ];
    }
    case 'cubic': {
      const first = Math.floor(at) - 1;
      const taps = [0, 1, 2, 3].map((k): [number, number] => [first + k, cubicWeight(first + k - at, a)]);
      if (number('exclude_outside') === 1)
        return normalized(taps.filter(([index]) => index >= 0 && index < from));
      return taps.map(([index, weight]) => [clamp(index, from), weight]);
    }
  }
}

/** The filter of mode linear or (with its coefficient) cubic, as wide as the scale is small. */
function averaged(at: number, { from, scale, number }: ResizedAxis, a: number | undefined): Weights {
  const width = Math.max(1, 1 / scale);
  const support = (a === undefined ? 1 : 2) * width;
  const center = at + 0.5;
  const first = Math.floor(center - support + 0.5);
  const last = Math.floor(center + support + 0.5);
  const taps = Array.from({ length: last - first }, (_, k): [number, number] => {
    const distance = (first + k - center + 0.5) / width;
    const weight = a === undefined ? Math.max(1 - Math.abs(distance), 0) : cubicWeight(distance, a);
    return [first + k, weight];
  });
  if (number('exclude_outside') === 1)
    return normalized(taps.filter(([index]) => index >= 0 && index < from));
  return normalized(taps).map(([index, weight]) => [clamp(index, from), weight]);
}

/**
 * How a Resize node makes one axis of its result, the others left out: it is the product of these. Undefined for an axis
 * that stays as it is.
 */
export function resizeAlong(node: Node, axis: number): AxisMap | undefined {
  const [x, region, scales] = node.inputs;
  const [from, to] = [x!.shape[axis], node.outputs[0].shape[axis]];
  const constant = (value: Value, i: number): number => Number(value.constant!.data[i]);
  const common = commonFactorOf(node);
  const kept = common !== undefined && !(node.attributes.axes.value as readonly number[]).includes(axis);
  const scale = scales ? constant(scales, axis) : kept ? 1 : (common ?? f(to / from));
  if (scale === 1 && !region) return undefined;
  const resized: ResizedAxis = {
    from,
    to,
    scale,
    region: region ? [constant(region, axis), constant(region, axis + x!.shape.length)] : [0, 1],
    text: (name) => node.attributes[name].value as string,
    number: (name) => node.attributes[name].value as number,
  };
  return { from, to, row: (i) => weightsOf(i, resized) };
}

export const sampleModes = ['linear', 'nearest', 'cubic'] as const;
export const samplePaddings = ['zeros', 'border', 'reflection'] as const;

/** Options of `gridSample`; ONNX's names. */
export interface GridSampleOptions {
  /** Default `linear`. */
  readonly mode?: (typeof sampleModes)[number];
  /** What lies outside of the image. Default `zeros`. */
  readonly padding?: (typeof samplePaddings)[number];
  /** Whether -1 and 1 are the centres of the outermost pixels, instead of their outer edges. Default false. */
  readonly alignCorners?: boolean;
}

/**
 * ONNX GridSample-20: the elements of images at given positions, interpolated between neighbours.
 *
 * @param x [N, C, H, W] or [N, C, D, H, W]
 * @param grid [N, OH, OW, 2] or [N, OD, OH, OW, 3]: positions (x, y) or (x, y, z), from -1 to 1 within the image
 * @returns [N, C, OH, OW] or [N, C, OD, OH, OW]
 */
export function gridSample(x: Value, grid: Value, options: GridSampleOptions = {}): Value {
  const { mode = 'linear', padding = 'zeros', alignCorners = false } = options;
  const rank = x.shape.length;
  const axes = rank - 2;
  const fits =
    (axes === 2 || axes === 3) &&
    grid.shape.length === rank &&
    grid.shape[0] === x.shape[0] &&
    grid.shape.at(-1) === axes &&
    grid.dtype === x.dtype &&
    (mode !== 'cubic' || axes === 2);
  if (!fits)
    throw new GraphError(`GridSample: ${describe(grid)} are no positions in ${describe(x)} for mode ${mode}`);
  const attributes = {
    mode: string(mode),
    padding_mode: string(padding),
    align_corners: int(alignCorners ? 1 : 0),
  };
  const shape = [x.shape[0], x.shape[1], ...grid.shape.slice(1, -1)];
  return x.graph.add('GridSample', [x, grid], attributes, [{ dtype: x.dtype, shape }])[0];
}
