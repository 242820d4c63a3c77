/** Images in other sizes, and at any positions. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { elementCount } from '../../tensor/tensor.js';
import { type BackwardRule, numberOf, perInput } from '../rule.js';

/** Along each axis the transposed map. */
const unresize = (g: Value, x: Value, node: Node): Value =>
  x.shape.reduce((gradient, _, axis) => {
    const map = op.resizeAlong(node, axis);
    return map ? op.mapAxis(gradient, axis, map, true) : gradient;
  }, g);

const wordOf = (node: Node, name: string): string => node.attributes[name].value as string;

/** A neighbour along one axis: where it is, its weight, and how the weight changes with the position. */
interface Tap {
  /** int64, within the axis. */
  readonly index: Value;
  readonly weight: Value;
  /** Null where the weight is constant almost everywhere. */
  readonly slope: Value | null;
}

const filledLike = (like: Value, value: number): Value => op.expand(op.scalarLike(like, value), like.shape);

/** Positions that are mirrored at two ends until they lie between them, and ±1, how they move with the original. */
const reflected = (at: Value, low: number, high: number): { at: Value; slope: Value } => {
  const span = high - low;
  if (span === 0) return { at: filledLike(at, 0), slope: filledLike(at, 0) };
  const distance = op.sub(at, low);
  const turns = op.floor(op.div(op.abs(distance), span));
  const rest = op.sub(op.abs(distance), op.mul(turns, span));
  const odd = op.greater(op.mod(turns, 2), 0.5);
  return {
    at: op.where(odd, op.sub(high, rest), op.add(rest, low)),
    slope: op.mul(op.sub(1, op.mul(op.cast(odd, at.dtype), 2)), op.sign(distance)),
  };
};

const clipped = (at: Value, length: number): Value => op.clip(at, 0, length - 1);

/** The ends that positions are mirrored at: centres of pixels, or their outer edges. */
const ends = (length: number, aligned: boolean): [number, number] =>
  aligned ? [0, length - 1] : [-0.5, length - 0.5];

/** An index of a tap, of whole numbers, within the axis; what lies outside has the weight 0 with a padding of zeros. */
const tap = (at: Value, length: number, weight: Value, slope: Value | null, node: Node): Tap => {
  const padding = wordOf(node, 'padding_mode');
  const aligned = numberOf(node, 'align_corners') === 1;
  const inside = padding === 'reflection' ? reflected(at, ...ends(length, aligned)).at : at;
  const index = op.cast(clipped(inside, length), 'int64');
  if (padding !== 'zeros') return { index, weight, slope };
  const outside = op.or(op.less(at, 0), op.greater(at, length - 1));
  return { index, weight: op.where(outside, 0, weight), slope: slope && op.where(outside, 0, slope) };
};

/** Keys' weights of the four neighbours with a = -0.75, and their derivatives, at a fraction t behind the second. */
const cubicTaps = (t: Value): { weight: Value; slope: Value }[] =>
  [-1, 0, 1, 2].map((offset) => {
    const a = -0.75;
    // The distance, and whether it grows or shrinks with t.
    const [d, sign] = offset <= 0 ? [op.sub(t, offset), 1] : [op.sub(offset, t), -1];
    const polynomial = (...coefficients: number[]): Value =>
      coefficients
        .slice(1)
        .reduce<Value>(
          (sum, coefficient) => op.add(op.mul(sum, d), coefficient),
          filledLike(d, coefficients[0]),
        );
    const near = offset === 0 || offset === 1;
    const weight = near ? polynomial(a + 2, -(a + 3), 0, 1) : polynomial(a, -5 * a, 8 * a, -4 * a);
    const slope = near ? polynomial(3 * (a + 2), -2 * (a + 3), 0) : polynomial(3 * a, -10 * a, 8 * a);
    return { weight, slope: op.mul(slope, sign) };
  });

/** The neighbours of positions along one axis of the image, with slopes towards the grid. */
const taps = (grid: Value, axis: number, length: number, node: Node): Tap[] => {
  const aligned = numberOf(node, 'align_corners') === 1;
  const scale = aligned ? (length - 1) / 2 : length / 2;
  const [batch] = grid.shape;
  const part = op.slice(grid, [{ axis: -1, start: axis, end: axis + 1 }]);
  const given = op.reshape(part, [batch, -1]);
  const position = op.add(op.mul(given, scale), (length - 1) / 2);
  const mode = wordOf(node, 'mode');
  if (mode === 'cubic') {
    const first = op.floor(position);
    return cubicTaps(op.sub(position, first)).map(({ weight, slope }, k) =>
      tap(op.add(first, k - 1), length, weight, op.mul(slope, scale), node),
    );
  }
  const padding = wordOf(node, 'padding_mode');
  const mirrored =
    padding === 'reflection' ? reflected(position, ...ends(length, aligned)) : { at: position, slope: null };
  const at = padding === 'zeros' ? position : clipped(mirrored.at, length);
  if (mode === 'nearest') return [tap(op.round(at), length, filledLike(at, 1), null, node)];
  // Where the position is cut at the border, it does not move with the grid.
  const cut = op.or(op.lessOrEqual(mirrored.at, 0), op.greaterOrEqual(mirrored.at, length - 1));
  const ones = filledLike(at, scale);
  const moves = mirrored.slope ? op.mul(mirrored.slope, scale) : ones;
  const slope = padding === 'zeros' ? ones : op.where(cut, 0, moves);
  const first = op.floor(at);
  const behind = op.sub(at, first);
  return [
    tap(first, length, op.sub(1, behind), op.neg(slope), node),
    tap(op.add(first, 1), length, behind, slope, node),
  ];
};

/** All neighbours: one tap of each axis, the first axis of the image first. */
const neighbours = ([x, grid]: readonly Value[], node: Node): Tap[][] => {
  const image = x.shape.slice(2);
  // The last number of a position belongs to the first axis.
  const axes = image.map((length, axis) => taps(grid, image.length - 1 - axis, length, node));
  return axes.reduce<Tap[][]>(
    (all, along) => all.flatMap((chosen) => along.map((one) => [...chosen, one])),
    [[]],
  );
};

/** Where a neighbour lies in the flattened image, for every channel: [N, C, positions]. */
const offsets = (chosen: readonly Tap[], x: Value): Value => {
  const image = x.shape.slice(2);
  const flat = chosen
    .map(({ index }) => index)
    .reduce((sum, index, axis) => op.add(op.mul(sum, image[axis]), index));
  const [batch, positions] = flat.shape;
  return op.expand(op.reshape(flat, [batch, 1, positions]), [batch, x.shape[1], positions]);
};

const product = (values: readonly Value[]): Value => values.reduce(op.mul);

const flattened = (x: Value): Value => op.reshape(x, [x.shape[0], x.shape[1], -1]);

const sampleByImage = (g: Value, inputs: readonly Value[], node: Node): Value => {
  const [x] = inputs;
  const gradient = flattened(g);
  const [batch, , positions] = gradient.shape;
  const parts = neighbours(inputs, node).map((chosen) => {
    const weight = op.reshape(product(chosen.map(({ weight }) => weight)), [batch, 1, positions]);
    const length = elementCount(x.shape.slice(2));
    return op.scatterAdd(length, offsets(chosen, x), op.mul(gradient, weight), 2);
  });
  return op.reshape(parts.reduce(op.add), x.shape);
};

const sampleByGrid = (g: Value, inputs: readonly Value[], node: Node): Value | null => {
  const [x, grid] = inputs;
  if (wordOf(node, 'mode') === 'nearest') return null;
  const gradient = flattened(g);
  const parts = neighbours(inputs, node).map((chosen) => {
    const values = op.gatherElements(flattened(x), offsets(chosen, x), 2);
    const common = op.reduceSum(op.mul(gradient, values), [1]);
    const along = chosen.map(({ slope }, axis) =>
      product([common, ...chosen.map(({ weight }, other) => (other === axis ? slope! : weight))]),
    );
    return op.concat(
      along.toReversed().map((value) => op.unsqueeze(value, [2])),
      2,
    );
  });
  return op.reshape(parts.reduce(op.add), grid.shape);
};

export const sampling: Readonly<Record<string, BackwardRule>> = {
  Resize: perInput([(g, [x], node) => unresize(g, x, node)]),
  GridSample: {
    inputs: [sampleByImage, sampleByGrid].map(
      (formula) =>
        ([g], node) =>
          formula(g!, node.inputs as readonly Value[], node),
    ),
  },
};
