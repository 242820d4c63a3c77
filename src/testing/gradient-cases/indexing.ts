/** Operators that choose elements by their positions. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Shape, tensor } from '../../tensor/tensor.js';
import { type Draw, awayFromZero, between, distinct, normal } from '../gradients.js';
import type { GradientCases } from './case.js';

/** Positions that were computed: numbers rounded down. */
const rounded = (x: Value): Value => op.cast(op.floor(x), 'int64');

/** Of two inputs no element is near one of the other. */
const apart: readonly Draw[] = [
  distinct,
  (random, count) => distinct(random, count).map((value) => value + 1 / 16),
];

/** Indices as a constant, alike in shape with what they choose. */
const indices = (like: Value, shape: Shape, elements: readonly number[]): Value =>
  like.graph.constant(tensor('int64', shape, elements));

export const indexing = {
  gather: [
    { name: 'Gather of rows', shapes: [[4, 3]], build: (x) => op.gather(x, [2, 0, 2, 2]) },
    { name: 'Gather of elements', shapes: [[4]], build: (x) => op.gather(x, [1, 1, 0]) },
    { name: 'Gather of images', shapes: [[3, 2, 1, 2]], build: (x) => op.gather(x, [2, 1]) },
    { name: 'Gather along the last axis', shapes: [[2, 4]], build: (x) => op.gather(x, [3, -1, 0], -1) },
    {
      name: 'Gather by a matrix along the middle axis',
      shapes: [[2, 4, 3]],
      build: (x) => op.gather(x, indices(x, [2, 2], [3, 1, -3, 0]), 1),
    },
    {
      name: 'Gather of one token',
      shapes: [[2, 4, 3]],
      build: (x) => op.gather(x, indices(x, [], [-4]), 1),
    },
    { name: 'Gather of a range', shapes: [[2, 5]], build: (x) => op.gather(x, [1, 2, 3], 1) },
    {
      name: 'Gather at the position of the greatest',
      shapes: [
        [2, 4],
        [4, 3],
      ],
      build: (x, rows) => op.gather(rows, op.argMax(x, 1)),
      draw: [distinct, normal],
    },
  ],
  gatherElements: [
    {
      name: 'GatherElements of rows',
      shapes: [[3, 2]],
      build: (x) => op.gatherElements(x, indices(x, [4, 2], [0, 2, 2, 2, 0, 1, 0, 2])),
    },
    {
      name: 'GatherElements of a vector',
      shapes: [[5]],
      build: (x) => op.gatherElements(x, indices(x, [3], [4, 0, 4])),
    },
    {
      name: 'GatherElements along the last axis, of some rows',
      shapes: [[3, 4]],
      build: (x) => op.gatherElements(x, indices(x, [2, 3], [3, -1, 0, 1, 1, 2]), 1),
    },
    {
      name: 'GatherElements at the positions of the greatest, with these',
      shapes: [
        [2, 5],
        [2, 5],
      ],
      build: (x, others) => {
        const { values, indices: places } = op.topK(x, 3);
        return op.mul(values, op.gatherElements(others, places, 1));
      },
      draw: [distinct, normal],
    },
  ],
  scatterElements: [
    {
      name: 'ScatterElements onto a value',
      shapes: [[5], [3]],
      build: (x, updates) => op.scatterElements(x, indices(x, [3], [4, 0, 4]), updates, { reduction: 'add' }),
    },
    {
      name: 'ScatterElements in place of others',
      shapes: [
        [3, 4],
        [2, 2],
      ],
      build: (x, updates) => op.scatterElements(x, indices(x, [2, 2], [3, 0, -2, 1]), updates, { axis: 1 }),
    },
    {
      name: 'ScatterElements to computed positions',
      shapes: [[3], [2], [2]],
      build: (x, places, updates) => op.scatterElements(x, rounded(places), updates, { reduction: 'add' }),
      draw: [normal, between(1.2, 1.8), normal],
    },
    ...(['min', 'max'] as const).map((reduction) => ({
      name: `ScatterElements, the ${reduction} of rows`,
      shapes: [
        [3, 2],
        [4, 2],
      ],
      build: (x: Value, updates: Value) =>
        op.scatterElements(x, indices(x, [4, 2], [0, 2, 2, 2, 0, 1, 0, -1]), updates, { reduction }),
      draw: apart,
    })),
    {
      name: 'ScatterElements, products with no, one and two zeros',
      shapes: [[4], [6]],
      build: (x, updates) =>
        op.scatterElements(x, indices(x, [6], [0, 0, 1, 1, 2, -1]), updates, { reduction: 'mul' }),
      draw: [() => [2, -1, 0, 3], () => [0.5, 3, 0, 2, 0, 0]],
    },
  ],
  scatterAdd: [
    {
      name: 'ScatterElements of rows',
      shapes: [[4, 2]],
      build: (x) => op.scatterAdd(3, indices(x, [4, 2], [0, 2, 2, 2, 0, 1, 0, 2]), x),
    },
  ],
  gatherND: [
    {
      name: 'GatherND of rows',
      shapes: [[3, 2, 4]],
      build: (x) => op.gatherND(x, indices(x, [2, 2, 2], [0, 1, 2, 0, -1, 0, 0, 1])),
    },
    {
      name: 'GatherND in a batch',
      shapes: [[2, 3, 2]],
      build: (x) => op.gatherND(x, indices(x, [2, 2, 1], [0, 2, 1, 1]), 1),
    },
    {
      name: 'GatherND in a batch of two axes',
      shapes: [[2, 2, 3]],
      build: (x) => op.gatherND(x, indices(x, [2, 2, 1], [0, 2, 1, 1]), 2),
    },
    {
      name: 'GatherND at computed positions, in a batch',
      shapes: [
        [2, 3],
        [2, 2, 1],
      ],
      build: (x, places) => op.gatherND(x, rounded(places), 1),
      draw: [normal, between(1.2, 1.8)],
    },
  ],
  scatterND: [
    {
      name: 'ScatterND in place of rows',
      shapes: [
        [4, 3],
        [2, 3],
      ],
      build: (x, updates) => op.scatterND(x, indices(x, [2, 1], [3, -3]), updates),
    },
    {
      name: 'ScatterND onto elements',
      shapes: [[2, 3], [3]],
      build: (x, updates) => op.scatterND(x, indices(x, [3, 2], [1, 0, 0, 2, 1, 0]), updates, 'add'),
    },
    {
      name: 'ScatterND at a computed position',
      shapes: [
        [3, 2],
        [1, 1],
        [1, 2],
      ],
      build: (x, place, updates) => op.scatterND(x, rounded(place), updates),
      draw: [normal, between(1.2, 1.8), normal],
    },
    ...(['min', 'max'] as const).map((reduction) => ({
      name: `ScatterND, the ${reduction} of rows`,
      shapes: [
        [3, 2],
        [3, 2],
      ],
      build: (x: Value, updates: Value) =>
        op.scatterND(x, indices(x, [3, 1], [2, 0, -1]), updates, reduction),
      draw: apart,
    })),
    {
      name: 'ScatterND, products',
      shapes: [[2, 3], [3]],
      build: (x, updates) => op.scatterND(x, indices(x, [3, 2], [1, 0, 0, 2, 1, 0]), updates, 'mul'),
      draw: awayFromZero,
    },
  ],
  oneHot: [
    {
      name: 'Where of a one-hot encoding',
      shapes: [[], []],
      build: (off, on) => op.oneHot(indices(off, [2, 2], [0, -1, 5, 2]), 3, off, on, 1),
    },
  ],
} satisfies GradientCases;
