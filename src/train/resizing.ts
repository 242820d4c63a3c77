/**
 * Pictures of any size brought to a model's, as nodes before it: what `readImage` and the evaluation of a run do with
 * decoded pixels, in ONNX's standard operators.
 *
 * Resampling is separable and linear, so it is two products with matrices, whose weights are computed of the picture's
 * size. They are those of libvips, by which files are decoded: Lanczos's filter with three lobes where pictures get
 * smaller, of averages over whole pixels from a factor of four on; Catmull and Rom's cubic where they get larger. Pixels
 * beyond the edge are those of the edge, and both directions are rounded to bytes. ONNX's Resize has no such filter.
 */
import type { Dimension } from '../graph/any-batch.js';
import { type Attributes, int, ints, string } from '../graph/attributes.js';
import { dataTypes } from '../graph/onnx-types.js';
import type { Prelude, PreludeNode } from '../graph/serialize.js';
import { MOST_RATIO, type PictureDecoding } from '../data/folder/folder-config.js';
import { OptionError } from '../tensor/option-error.js';
import { type Tensor, tensor } from '../tensor/tensor.js';

/** How pictures become the size of a model; a run on pictures in files keeps it as `config.data.folder.decoding`. */
export type PictureResizing = Pick<PictureDecoding, 'cover' | 'cut'>;

/**
 * The nodes that scale pictures and cut out their middle.
 *
 * @param input the model's input, uint8 [N, C, height, width]; pictures of any height and width take its place
 * @param shape its shape
 * @param channelsLast whether pictures are [N, height, width, C] instead
 * @throws OptionError where what pictures cover is smaller than the model's images
 */
export function resizingPrelude(
  input: string,
  [batch, channels, ...size]: readonly [Dimension, number, number, number],
  { cover, cut }: PictureResizing,
  channelsLast = false,
): Prelude {
  if (cover.some((side, axis) => side < size[axis]))
    throw new OptionError(
      `resizing: pictures that cover ${cover.join(' x ')} do not cover the model's ${size.join(' x ')}`,
    );
  const nodes = new PreludeNodes();
  const { add, half, rounded, cast } = nodes;
  const pictures = channelsLast ? add('Transpose', [input], { perm: ints([0, 3, 1, 2]) }) : input;
  const sides = cast(add('Shape', [pictures], { start: int(2) }), 'float64');
  // The size that a picture is decoded to, as `decodedSize` has it: that, or all of what sticks out, within limits.
  const scaledBy = (scale: string): string => rounded(add('Mul', [sides, scale]));
  const within = (value: string): string =>
    add('Max', [add('Min', [value, MOST_RATIO * Math.max(...cover)]), nodes.reals(cover)]);
  const decoded = cut
    ? nodes.reals(cover)
    : within(scaledBy(add('ReduceMax', [add('Div', [nodes.reals(cover), sides])])));
  // The size that it is scaled to in order to cover that: both sides by one factor.
  const shrink = add('ReduceMin', [add('Div', [sides, decoded])]);
  const scaled = rounded(add('Div', [sides, shrink]));
  // Where the middle begins: cut out when a picture is decoded, and by a centre crop.
  const first = add('Add', [
    half(add('Add', [add('Sub', [scaled, decoded]), 1])),
    half(add('Sub', [decoded, nodes.reals(size)])),
  ]);
  const average = add('Max', [half(add('Div', [sides, scaled])), 1]);
  const reach = add('Ceil', [add('Mul', [add('Max', [shrink, 1]), LOBES + 1])]);
  const border = add('Concat', Array<string>(2).fill(cast(reach, 'int64')), { axis: int(0) });
  const smaller = add('GreaterOrEqual', [shrink, 1]);
  let pixels = cast(pictures, 'float32');
  for (const [axis, wanted] of size.entries()) {
    const of = (value: string): string => add('Gather', [value, nodes.whole([axis])]);
    const line = { length: of(sides), scaled: of(scaled), first: of(first), average: of(average) };
    const weights = axisWeights(nodes, { ...line, wanted, shrink, smaller, reach });
    const padded = add('Pad', [pixels, border, '', nodes.whole([axis + 2])], { mode: string('edge') });
    const mixed = axis === 0 ? [weights, padded] : [padded, add('Transpose', [weights])];
    const levels = rounded(cast(add('MatMul', mixed), 'float64'));
    const bytes = add('Min', [add('Max', [levels, 0]), 255]);
    // What is made larger may overshoot in between.
    pixels = axis === 0 ? cast(add('Where', [smaller, bytes, levels]), 'float32') : cast(bytes, 'uint8');
  }
  return {
    input,
    shape: channelsLast ? [batch, 'height', 'width', channels] : [batch, channels, 'height', 'width'],
    nodes: nodes.nodes,
    result: pixels,
    constants: nodes.constants,
  };
}

/** Lobes of the filters. */
const LOBES = 3;
const CUBIC_LOBES = 2;
/** So close to its middle a filter is 1. */
const MIDDLE = 1e-6;

/** How one side of a picture becomes that of an image; names of float64 [1]. */
interface Line {
  /** Pixels of the picture. */
  readonly length: string;
  /** Pixels of it, scaled. */
  readonly scaled: string;
  /** The first of these that is wanted, and how many are. */
  readonly first: string;
  readonly wanted: number;
  /** Pixels of the picture for one of it scaled. */
  readonly shrink: string;
  /** Whether that is one or more, bool [1]. */
  readonly smaller: string;
  /** Pixels that are averaged before the filter. */
  readonly average: string;
  /** Pixels beyond each edge. */
  readonly reach: string;
}

/** The weights of one side, float32 [wanted, reach + length + reach]. */
function axisWeights(
  { add, cast, reals, ramp, whole }: PreludeNodes,
  { length, scaled, first, wanted, shrink, smaller, average, reach }: Line,
): string {
  const negative = add('Neg', [reach]);
  const places = add('Range', [
    add('Squeeze', [negative]),
    add('Squeeze', [add('Add', [length, reach])]),
    add('Squeeze', [reals([1])]),
  ]);
  const scaledPlaces = add('Add', [ramp(wanted), first]);
  // The middle of what is made smaller lies on the middle of the picture. What is made larger lies half a place of the
  // result away from that, as libvips has it.
  const fromMiddle = add('Sub', [add('Add', [scaledPlaces, 0.5]), add('Div', [scaled, 2])]);
  const centres = add('Where', [
    smaller,
    add('Add', [add('Mul', [fromMiddle, shrink]), add('Div', [length, 2])]),
    add('Mul', [scaledPlaces, shrink]),
  ]);
  // Both count whole averages; the half is their middle, as of a pixel.
  const blocks = add('Add', [add('Floor', [add('Div', [places, average])]), 0.5]);
  const distance = add('Abs', [add('Sub', [blocks, add('Div', [centres, average])])]);
  const within = add('Div', [distance, add('Max', [add('Div', [shrink, average]), 1])]);
  const weights = add('Where', [smaller, lanczos(add, within), cubic(add, within)]);
  return cast(add('Div', [weights, add('ReduceSum', [weights, whole([1])])]), 'float32');
}

type Add = PreludeNodes['add'];

/** Lanczos's filter of distances: sinc(x) sinc(x / 3) up to 3. */
function lanczos(add: Add, distance: string): string {
  const angle = add('Mul', [distance, Math.PI]);
  const sines = add('Mul', [add('Sin', [angle]), add('Sin', [add('Div', [angle, LOBES])])]);
  const value = add('Div', [add('Mul', [sines, LOBES]), add('Mul', [angle, angle])]);
  const within = add('Where', [add('Less', [distance, LOBES]), value, 0]);
  return add('Where', [add('Less', [distance, MIDDLE]), 1, within]);
}

/** Catmull and Rom's cubic of distances, up to 2. */
function cubic(add: Add, distance: string): string {
  /** a + b x + c x² + d x³ */
  const polynomial = (a: number, b: number, c: number, d: number): string =>
    [c, b, a].reduce<string | number>(
      (sum, coefficient) => add('Add', [add('Mul', [sum, distance]), coefficient]),
      d,
    ) as string;
  const near = polynomial(1, 0, -2.5, 1.5);
  const far = polynomial(2, -4, 2.5, -0.5);
  const within = add('Where', [add('Less', [distance, 1]), near, far]);
  return add('Where', [add('Less', [distance, CUBIC_LOBES]), within, 0]);
}

/** Nodes with their constants, as they are written down. A number stands for a float64 [1]. */
class PreludeNodes {
  readonly nodes: PreludeNode[] = [];
  readonly constants: Record<string, Tensor> = {};
  readonly #names = new Map<string, string>();

  readonly add = (
    opType: string,
    inputs: readonly (string | number)[],
    attributes: Attributes = {},
  ): string => {
    const names = inputs.map((input) => (typeof input === 'number' ? this.reals([input]) : input));
    const output = `preprocessing/${opType}_${this.nodes.length}`;
    this.nodes.push({ opType, inputs: names, attributes, output });
    return output;
  };

  readonly cast = (value: string, dtype: 'float32' | 'float64' | 'int64' | 'uint8'): string =>
    this.add('Cast', [value], { to: int(dataTypes[dtype]) });

  /** The half, rounded down. */
  readonly half = (value: string): string => this.add('Floor', [this.add('Div', [value, 2])]);

  /** Rounded, halves up. */
  readonly rounded = (value: string): string => this.add('Floor', [this.add('Add', [value, 0.5])]);

  /** Float64 [values]. */
  readonly reals = (values: readonly number[]): string =>
    this.#constant(tensor('float64', [values.length], values));

  /** 0, 1, … as a column, float64 [count, 1]. */
  readonly ramp = (count: number): string =>
    this.#constant(
      tensor(
        'float64',
        [count, 1],
        Array.from({ length: count }, (_, i) => i),
      ),
    );

  /** Int64 [values]. */
  readonly whole = (values: readonly number[]): string =>
    this.#constant(tensor('int64', [values.length], values));

  #constant(constant: Tensor): string {
    const { dtype, shape, data } = constant;
    const key = `${dtype} ${shape.join()} ${data.join()}`;
    const name = this.#names.get(key) ?? `preprocessing/constant_${this.#names.size}`;
    this.#names.set(key, name);
    this.constants[name] = constant;
    return name;
  }
}
