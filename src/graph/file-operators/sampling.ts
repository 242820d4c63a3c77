/** Images in other sizes, and at any positions. */
import type { FileNode } from '../file-node.js';
import { GraphError, type Value, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

/** The numbers of an input for every axis of x: those of the axes that are named, and a fallback for the others. */
function forEachAxis(
  node: FileNode,
  input: number,
  axes: readonly number[],
  x: Value,
  fallback: readonly number[],
): number[] {
  const found = node.numbers(input);
  const parts = fallback.length / x.shape.length;
  if (found.length !== parts * axes.length)
    throw new GraphError(
      `input ${input} has ${found.length} elements where ${parts * axes.length} are needed`,
    );
  const all = [...fallback];
  for (let part = 0; part < parts; part++)
    axes.forEach((axis, i) => (all[part * x.shape.length + axis] = found[part * axes.length + i]));
  return all;
}

const given = (value: Value | null): boolean => value !== null && value.shape[0] !== 0;

const resize: FileOperator = (node) => {
  const x = node.input(0);
  const every = x.shape.map((_, axis) => axis);
  const axes = (node.optionalInts('axes') ?? every).map((axis) => op.normalizeAxis('Resize', axis, x.shape));
  const policy = node.text('keep_aspect_ratio_policy', ['stretch', ...op.aspectRatioPolicies], 'stretch');
  const [roi, scales, sizes] = [1, 2, 3].map((index) => given(node.optional(index)));
  if (scales === sizes || new Set(axes).size < axes.length)
    throw new GraphError(
      `it needs either scales or sizes of axes of ${describe(x)}, each of them once: [${axes.join()}]`,
    );
  const coordinates = node.text('coordinate_transformation_mode', op.coordinateModes, 'half_pixel');
  const crops = coordinates === 'tf_crop_and_resize';
  if (crops && !roi) throw new GraphError('it lacks the region that it crops');
  const whole = [...x.shape.map(() => 0), ...x.shape.map(() => 1)];
  const ones = x.shape.map(() => 1);
  const target = scales
    ? { scales: forEachAxis(node, 2, axes, x, ones) }
    : { sizes: forEachAxis(node, 3, axes, x, x.shape) };
  return [
    op.resize(x, target, {
      mode: node.text('mode', op.resizeModes, 'nearest'),
      coordinates,
      nearest: node.text('nearest_mode', op.nearestModes, 'round_prefer_floor'),
      cubicCoefficient: node.number('cubic_coeff_a', -0.75),
      excludeOutside: node.flag('exclude_outside', false),
      antialias: node.flag('antialias', false),
      extrapolation: node.number('extrapolation_value', 0),
      // Says nothing where there are scales.
      ...(policy !== 'stretch' && !scales && { aspectRatio: { policy, axes } }),
      ...(crops && { region: forEachAxis(node, 1, axes, x, whole) }),
    }),
  ];
};

const gridSample: FileOperator = (node) => [
  op.gridSample(node.input(0), node.input(1), {
    mode: node.text('mode', op.sampleModes, 'linear'),
    padding: node.text('padding_mode', op.samplePaddings, 'zeros'),
    alignCorners: node.flag('align_corners', false),
  }),
];

export const sampling: FileOperators = { GridSample: gridSample, Resize: resize };
