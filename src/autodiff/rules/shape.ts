/** Operators that move elements without computing: each has another one that moves the gradient back. */
import { rowMajorStrides } from '../../graph/broadcast.js';
import type { Node, Value } from '../../graph/graph.js';
import type { AxisMap } from '../../graph/ops/axis-map.js';
import * as op from '../../graph/ops.js';
import { elementCount } from '../../tensor/tensor.js';
import { type BackwardRule, allResults, everyInput, integers, numberOf, perInput, unary } from '../rule.js';

const inverse = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));

/** The piece of a joined gradient that belongs to one of the inputs. */
const piece = (g: Value, inputs: readonly Value[], node: Node, input: number): Value => {
  const axis = op.normalizeAxis('Concat', numberOf(node, 'axis'), g.shape);
  const start = inputs.slice(0, input).reduce((sum, { shape }) => sum + shape[axis], 0);
  return op.slice(g, [{ axis, start, end: start + inputs[input].shape[axis] }]);
};

/** Zeros where the slice did not look: padding for a step of 1, a scatter for any other. */
const unslice = (g: Value, x: Value, _y: Value, node: Node): Value => {
  const [starts, , axes, steps] = [1, 2, 3, 4].map((input) => integers(node, input));
  const from = x.shape.map(() => 0);
  const step = x.shape.map(() => 1);
  axes.forEach((of, i) => {
    const axis = op.normalizeAxis('Slice', of, x.shape);
    const length = x.shape[axis];
    step[axis] = steps[i];
    // Counted from the back where negative; what lies outside counts as the end that it is beyond.
    const start = starts[i] < 0 ? starts[i] + length : starts[i];
    from[axis] = Math.max(0, Math.min(start, steps[i] > 0 ? length : length - 1));
  });
  if (step.every((value) => value === 1)) {
    const after = x.shape.map((length, axis) => length - from[axis] - g.shape[axis]);
    return op.pad(g, from, after);
  }
  const offsets = op.lattice(x.graph, g.shape, from, step, rowMajorStrides(x.shape));
  return op.reshape(op.scatterAdd(elementCount(x.shape), offsets, op.reshape(g, [-1])), x.shape);
};

/** For each element of a padded axis, which one of the original it is. */
const paddedAxis = (mode: string, length: number, before: number, after: number): AxisMap => {
  const source = (i: number): number => {
    if (mode === 'edge') return Math.min(Math.max(i, 0), length - 1);
    if (mode === 'wrap') return (i + length) % length;
    return i < 0 ? -i : i < length ? i : 2 * (length - 1) - i;
  };
  return { from: length, to: length + before + after, row: (i) => [[source(i - before), 1]] };
};

/** The inner part of the gradient; of what is padded with its own elements, the sums over their copies. */
const unpad = (g: Value, x: Value, node: Node): Value => {
  const pads = integers(node, 1);
  const mode = node.attributes.mode.value as string;
  if (mode !== 'constant')
    return x.shape.reduce((gradient, length, axis) => {
      const [before, after] = [pads[axis], pads[axis + x.shape.length]];
      if (before === 0 && after === 0) return gradient;
      return op.mapAxis(gradient, axis, paddedAxis(mode, length, before, after), true);
    }, g);
  return op.slice(
    g,
    x.shape.map((length, axis) => ({ axis, start: pads[axis], end: pads[axis] + length })),
  );
};

const sum = (x: Value): Value =>
  op.reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  );

export const shape: Readonly<Record<string, BackwardRule>> = {
  Reshape: unary((g, x) => op.reshape(g, x.shape)),
  Transpose: unary((g, _x, _y, node) => op.transpose(g, inverse(node.attributes.perm.value as number[]))),
  Expand: unary((g, x) => op.sumTo(g, x)),
  Concat: everyInput(piece),
  Slice: unary(unslice),
  // The parts' gradients side by side; zeros for a part that nobody uses.
  Split: allResults([
    (gradients, _inputs, node) =>
      op.concat(
        gradients.map((g, i) => g ?? op.zerosLike(node.outputs[i])),
        numberOf(node, 'axis'),
      ),
  ]),
  Pad: perInput([
    (g, [x], node) => unpad(g, x, node),
    null,
    // What is not of x is the value.
    (g, [x], node) => op.sub(sum(g), sum(unpad(g, x, node))),
  ]),
  // The repeats side by side in axes of their own, and summed.
  Tile: unary((g, x, _y, node) => {
    const repeats = integers(node, 1);
    const apart = op.reshape(
      g,
      x.shape.flatMap((length, axis) => [repeats[axis], length]),
    );
    return op.reduceSum(
      apart,
      repeats.map((_, axis) => 2 * axis),
    );
  }),
  Trilu: unary((g, _x, _y, node) =>
    op.trilu(g, { upper: numberOf(node, 'upper') === 1, diagonal: integers(node, 1)[0] }),
  ),
  // Its elements depend on no element of x.
  EyeLike: perInput([null]),
};
