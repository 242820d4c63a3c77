/** Operators that move elements without computing: each has another one that moves the gradient back. */
import { rowMajorStrides } from '../../graph/broadcast.js';
import type { Node, Value } from '../../graph/graph.js';
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

const unpad = (g: Value, x: Value, _y: Value, node: Node): Value =>
  op.slice(
    g,
    x.shape.map((length, axis) => ({
      axis,
      start: integers(node, 1)[axis],
      end: integers(node, 1)[axis] + length,
    })),
  );

/** Each row's gradient added to the row that it was gathered from. */
const ungather = (g: Value, x: Value, _y: Value, { inputs }: Node): Value => {
  const rows = op.reshape(g, [-1, ...x.shape.slice(1)]);
  const indices = op.reshape(
    op.cast(inputs[1]!, 'int64'),
    rows.shape.map((length, axis) => (axis === 0 ? length : 1)),
  );
  return op.scatterAdd(x.shape[0], op.expand(indices, rows.shape), rows);
};

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
  Pad: unary(unpad),
  Gather: unary(ungather),
  GatherElements: unary((g, x, _y, { inputs }) => op.scatterAdd(x.shape[0], inputs[1]!, g)),
  ScatterElements: perInput([(g) => g, undefined, (g, [, indices]) => op.gatherElements(g, indices)]),
};
