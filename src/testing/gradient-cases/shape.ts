/** Operators that move elements without computing. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Shape } from '../../tensor/tensor.js';
import type { GradientCases } from './case.js';

const slices: readonly (readonly [string, Shape, readonly op.SliceRange[]])[] = [
  ['a piece', [5, 4], [{ axis: 0, start: 1, end: 4 }]],
  [
    'a piece of both axes',
    [5, 4],
    [
      { axis: 1, start: 0, end: 3 },
      { axis: 0, start: 4, end: 5 },
    ],
  ],
  ['an axis counted from the back', [3, 5], [{ axis: -1, start: 1, end: 3 }]],
  ['every second element', [6, 3], [{ axis: 0, start: 1, end: 6, step: 2 }]],
  ['every third element, not reaching the end', [2, 8], [{ axis: 1, start: 0, end: 5, step: 3 }]],
  [
    'two strided axes and a plain one',
    [5, 3, 4],
    [
      { axis: 0, start: 0, end: 5, step: 2 },
      { axis: 1, start: 1, end: 3 },
      { axis: 2, start: 1, end: 4, step: 2 },
    ],
  ],
  ['an axis back to front', [2, 4], [{ axis: 1, start: 3, end: -1, step: -1 }]],
  ['every second element backwards', [6, 2], [{ axis: 0, start: 4, end: 0, step: -2 }]],
  [
    'one axis forwards and one backwards',
    [4, 5],
    [
      { axis: 0, start: 0, end: 4, step: 3 },
      { axis: 1, start: 4, end: -1, step: -2 },
    ],
  ],
];

export const shape = {
  reshape: [
    { name: 'Reshape', shapes: [[2, 3, 4]], build: (x) => op.reshape(x, [4, -1]) },
    { name: 'Reshape to a scalar', shapes: [[1, 1]], build: (x) => op.reshape(x, []) },
  ],
  transpose: [
    // A permutation that is not its own inverse.
    { name: 'Transpose of three axes', shapes: [[2, 3, 4]], build: (x) => op.transpose(x, [1, 2, 0]) },
    { name: 'Transpose of four axes', shapes: [[2, 3, 1, 2]], build: (x) => op.transpose(x, [3, 0, 1, 2]) },
  ],
  matrixTranspose: [{ name: 'Transpose of a matrix', shapes: [[2, 3]], build: op.matrixTranspose }],
  expand: [
    { name: 'Expand of ones', shapes: [[2, 1, 3, 1]], build: (x) => op.expand(x, [2, 4, 3, 2]) },
    { name: 'Expand to a higher rank', shapes: [[3]], build: (x) => op.expand(x, [2, 4, 3]) },
    { name: 'Expand of a scalar', shapes: [[]], build: (x) => op.expand(x, [2, 2]) },
  ],
  concat: [
    {
      name: 'Concat along axis 1',
      shapes: [
        [2, 1, 3],
        [2, 2, 3],
        [2, 3, 3],
      ],
      build: (...parts) => op.concat(parts, 1),
    },
    {
      name: 'Concat along the last axis, one part twice',
      shapes: [
        [2, 2],
        [2, 3],
      ],
      build: (a, b) => op.concat([a, b, a], -1),
    },
  ],
  slice: slices.map(([name, x, ranges]) => ({
    name: `Slice: ${name}`,
    shapes: [x],
    build: (value) => op.slice(value, ranges),
  })),
  split: [
    { name: 'Split into three', shapes: [[2, 6]], build: (x) => op.split(x, -1, 3) },
    {
      name: 'Split into three, all used at once',
      shapes: [[2, 6]],
      build: (x) => {
        const [a, b, c] = op.split(x, -1, 3);
        return op.add(op.mul(a, b), op.exp(c));
      },
    },
    {
      name: 'Split into parts of several lengths',
      shapes: [[2, 6]],
      build: (x) => op.split(x, 1, [3, 1, 2]),
    },
    { name: 'Split, the first part unused', shapes: [[4, 3]], build: (x) => op.exp(op.split(x, 0, 2)[1]) },
    { name: 'Split, the last part unused', shapes: [[4, 3]], build: (x) => op.exp(op.split(x, 0, 2)[0]) },
  ],
  pad: [
    { name: 'Pad before', shapes: [[2, 3]], build: (x) => op.pad(x, [1, 2], [0, 0]) },
    { name: 'Pad and cut', shapes: [[4, 3]], build: (x) => op.pad(x, [-1, 2], [3, -1]) },
    {
      name: 'Pad with a value',
      shapes: [[2, 3], []],
      build: (x, value) => op.pad(x, [1, 0], [0, 2], { value }),
    },
    ...(['reflect', 'edge', 'wrap'] as const).map((mode) => ({
      name: `Pad by ${mode}`,
      shapes: [[3, 2, 4]],
      build: (x: Value) => op.pad(x, [0, 1, 2], [2, 0, 3], { mode }),
    })),
    {
      name: 'Pad by reflection of an image',
      shapes: [[2, 1, 3, 4]],
      build: (x) => op.pad(x, [0, 0, 2, -1], [0, 0, 1, 2], { mode: 'reflect' }),
    },
    { name: 'Pad on every side', shapes: [[2, 3, 2]], build: (x) => op.pad(x, [0, 2, 1], [3, 0, 1]) },
  ],
  flatten: [{ name: 'Reshape to a matrix', shapes: [[2, 3, 2]], build: (x) => op.flatten(x, 2) }],
  squeeze: [{ name: 'Reshape without ones', shapes: [[1, 3, 1]], build: (x) => op.squeeze(x, [-1]) }],
  unsqueeze: [{ name: 'Reshape with ones', shapes: [[2, 3]], build: (x) => op.unsqueeze(x, [-1, 0]) }],
  tile: [
    { name: 'Tile', shapes: [[2, 3]], build: (x) => op.tile(x, [2, 3]) },
    { name: 'Tile along one axis', shapes: [[2, 1, 3]], build: (x) => op.tile(x, [1, 4, 1]) },
  ],
  trilu: [
    { name: 'Trilu, upper', shapes: [[2, 3, 4]], build: (x) => op.trilu(x) },
    {
      name: 'Trilu, lower beneath the diagonal',
      shapes: [[4, 3]],
      build: (x) => op.trilu(x, { upper: false, diagonal: -1 }),
    },
  ],
  eyeLike: [
    { name: 'EyeLike, whose elements depend on none', shapes: [[2, 3]], build: (x) => op.eyeLike(x) },
  ],
  depthToSpace: [
    { name: 'Transpose of depth to space', shapes: [[2, 8, 1, 2]], build: (x) => op.depthToSpace(x, 2) },
    {
      name: 'Transpose of depth to space, PyTorch’s way',
      shapes: [[1, 8, 2, 1]],
      build: (x) => op.depthToSpace(x, 2, 'CRD'),
    },
  ],
  spaceToDepth: [
    { name: 'Transpose of space to depth', shapes: [[2, 1, 4, 6]], build: (x) => op.spaceToDepth(x, 2) },
  ],
} satisfies GradientCases;
