/** Nodes that were written for the file's own number of images, made ones for the number asked for. */
import { type Shape, sameShape, tensor } from '../../tensor/tensor.js';
import type { NodeProto } from '../onnx_pb.js';
import * as op from '../ops.js';
import { scaledAxis, scaledLengths, scaledReshape } from './batch-size.js';
import { sameNumbers } from './constants.js';
import { type Frame, keyOf } from './frames.js';
import type { GraphBuilder } from './graph-builder.js';
import { type OperatorNode, constantOf, shapeOf } from './known.js';

/** Makes a node that was written for the file's own number of images one for the number asked for. */
export function adaptBatch(node: OperatorNode, proto: NodeProto, frame: Frame, builder: GraphBuilder): void {
  const { reference } = builder.options;
  if (!reference) return;
  const before = (index: number): Shape | undefined => {
    const known = node.inputs[index];
    const name = keyOf(frame, proto.input[index]);
    return known && name !== undefined ? reference.shapes.get(name) : undefined;
  };
  /** A list that is the same as for the file's own number of images: it does not follow the one asked for. */
  const fixedList = (index: number): number[] | undefined => {
    const present = constantOf(node.inputs[index]);
    const name = keyOf(frame, proto.input[index]);
    const own = name === undefined ? undefined : reference.lists.get(name);
    if (!present || present.shape.length !== 1 || (own && !sameNumbers(own, present))) return undefined;
    return Array.from(present.data as BigInt64Array, Number);
  };
  const [x] = node.inputs;
  const present = x && shapeOf(x);
  const own = before(0);
  if (!present || !own) return;
  const replace = (index: number, lengths: readonly number[]): void => {
    node.inputs[index] = { kind: 'constant', tensor: tensor('int64', [lengths.length], lengths) };
  };
  if (node.opType === 'Reshape' && fixedList(1) && !sameShape(own, present)) {
    const to = reference.shapes.get(`${frame.prefix}${proto.output[0]}`);
    const shape = to && scaledReshape(own, to, present, reference.images);
    if (!shape) return;
    replace(1, shape);
    node.attributes.remove('allowzero');
  } else if (node.opType === 'Expand') {
    const target = fixedList(1);
    const repeated = x.kind === 'constant' ? undefined : target && widened(target, present, builder);
    const scaled = (target && scaledLengths(target, own, present)) ?? repeated;
    if (scaled) replace(1, scaled);
  } else if (node.opType === 'Resize') {
    const target = node.inputs[3] ? fixedList(3) : undefined;
    const scaled = target && scaledLengths(target, own, present);
    if (scaled) replace(3, scaled);
  } else if (node.opType === 'Concat') adaptConcat(node, before, builder);
}

/**
 * A list of which all elements are taken in their order is given another shape. PyTorch's exporter writes strides so, with
 * the positions of its own number of images.
 */
export function reshapedByPositions(
  node: OperatorNode,
  proto: NodeProto,
  frame: Frame,
  { options: { reference } }: GraphBuilder,
): void {
  const [list, positions] = node.inputs;
  const [shape, places] = [list && shapeOf(list), constantOf(positions)];
  if (node.opType !== 'Gather' || list?.kind !== 'value' || shape?.length !== 1 || !places) return;
  const own = reference ? reference.shapes.get(keyOf(frame, proto.input[0]) ?? '') : shape;
  if (own?.[0] !== places.data.length || !places.data.every((place, i) => Number(place) === i)) return;
  node.opType = 'Reshape';
  const to = places.shape.length === 1 ? [-1] : places.shape;
  node.inputs = [list, { kind: 'constant', tensor: tensor('int64', [to.length], to) }];
  node.attributes.remove('axis');
}

/** What is one for all images, and is repeated for as many as the file was made for. */
function widened(
  target: readonly number[],
  { length: rank, [0]: first }: Shape,
  builder: GraphBuilder,
): number[] | undefined {
  const { fileBatchSize: own = 1, inputs } = builder.options;
  const [[, images]] = inputs;
  if (own === 1 || target[0] !== own || (rank === target.length && first !== 1)) return undefined;
  return [images.shape[0], ...target.slice(1)];
}

/** What is joined with one row for each image has one for each, too, where the file has one for all. */
function adaptConcat(
  node: OperatorNode,
  before: (index: number) => Shape | undefined,
  builder: GraphBuilder,
): void {
  const joined = op.normalizeAxis('Concat', node.attributes.int('axis', 0), before(0) ?? []);
  const scaled = node.inputs.flatMap((known, i) => {
    const [own, present] = [before(i), known ? shapeOf(known) : undefined];
    const found = own && present ? scaledAxis(own, present) : undefined;
    return found && found.axis !== joined ? [found] : [];
  });
  if (scaled.length === 0) return;
  const [{ axis, factor }] = scaled;
  node.inputs = node.inputs.map((known, i) => {
    const [own, present] = [before(i), known ? shapeOf(known) : undefined];
    if (!known || !own || !present || !sameShape(own, present) || present[axis] !== 1) return known;
    const shape = present.map((length, at) => (at === axis ? length * factor : length));
    return { kind: 'value', value: op.expand(builder.operand(known, node, i), shape) };
  });
}

/**
 * Whether a constant is repeated for each image. Such a one stays a node: it would be as large as the batch, and another
 * for every number of images.
 */
export function growsWithImages(
  node: OperatorNode,
  proto: NodeProto,
  frame: Frame,
  builder: GraphBuilder,
): boolean {
  const index = { Expand: 1, Tile: 1, ConstantOfShape: 0 }[node.opType];
  const { reference } = builder.options;
  if (index === undefined || !reference) return false;
  const filling = node.inputs[1 - index];
  const key = keyOf(frame, proto.input[index]);
  const [own, present] = [
    key === undefined ? undefined : reference.lists.get(key),
    constantOf(node.inputs[index]),
  ];
  const type = filling ? constantOf(filling)?.dtype : 'float32';
  return (
    own !== undefined &&
    present !== undefined &&
    !sameNumbers(own, present) &&
    ['float32', 'float64', 'bool'].includes(type ?? '')
  );
}
