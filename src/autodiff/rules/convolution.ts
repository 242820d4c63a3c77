/** Convolution and pooling. A convolution is linear in image and weight, and so are its two gradients. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, perInput, unary } from '../rule.js';

/** The gradient of one number a channel. */
const biasOf = (g: Value): Value =>
  op.reduceSum(
    g,
    g.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );

const flat = (x: Value): Value => op.reshape(x, [-1]);

export const convolution: Readonly<Record<string, BackwardRule>> = {
  Conv: perInput([
    (g, [x, w], node) => op.convGradInput(g, w, x.shape, op.geometryOf(node)),
    (g, [x, w], node) => op.convGradWeight(x, g, w.shape, op.geometryOf(node)),
    biasOf,
  ]),
  // Of (z, w), the image whose convolution with w is z's adjoint; the same in ONNX's own form.
  'tract.ConvGradInput': perInput([
    (g, [, w], node) => op.conv(g, w, null, op.geometryOf(node)),
    (g, [z, w], node) => op.convGradWeight(g, z, w.shape, op.geometryOf(node)),
  ]),
  ConvTranspose: perInput([
    (g, [, w], node) => op.conv(g, w, null, op.geometryOf(node)),
    (g, [z, w], node) => op.convGradWeight(g, z, w.shape, op.geometryOf(node)),
    biasOf,
  ]),
  // Of (x, z), linear in both.
  'tract.ConvGradWeight': perInput([
    (g, [x, z], node) => op.convGradInput(z, g, x.shape, op.geometryOf(node)),
    (g, [x], node) => op.conv(x, g, null, op.geometryOf(node)),
  ]),
  // Along each axis the transposed map.
  AveragePool: unary((g, x, _y, node) =>
    x.shape
      .slice(2)
      .reduce((gradient, _, axis) => op.mapAxis(gradient, axis + 2, op.averageAlong(x, axis, node), true), g),
  ),
  MaxPool: unary((g, _x, _y, node) => op.maxPoolGrad(g, node)),
  // Of (z, x, values, indices): where the greatest elements lie is constant almost everywhere.
  'tract.MaxPoolGrad': perInput([
    (g, [z, , , indices]) => op.reshape(op.gatherElements(flat(g), flat(indices)), z.shape),
    null,
    null,
    null,
  ]),
};
