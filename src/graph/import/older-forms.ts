/**
 * Operators as older operator sets have them, turned into the forms of the present table (`graph/file-operators.ts`):
 * attributes that became inputs, and operators that were renamed.
 */
import { create } from '@bufbuild/protobuf';
import { type Tensor, tensor } from '../../tensor/tensor.js';
import { GraphError } from '../graph.js';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
} from '../onnx_pb.js';
import { elementTypeName, readAs } from './file-tensor.js';
import { type Known, type OperatorNode, constantOf } from './known.js';

const constant = (value: Tensor): Known => ({ kind: 'constant', tensor: value });
const list = (values: readonly number[]): Known => constant(tensor('int64', [values.length], values));
const scalar = (value: number): Known => constant(tensor('float32', [], [value]));

export const intAttribute = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
const textAttribute = (name: string, text: string): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(text) });

const set = ({ attributes }: OperatorNode, attribute: AttributeProto): void => {
  attributes.entries.set(attribute.name, attribute);
};

/** Sets an input behind those that are there; those between are left out. */
function setInput(node: OperatorNode, index: number, value: Known): void {
  while (node.inputs.length < index) node.inputs.push(null);
  node.inputs[index] = value;
}

/** An attribute that is a list of whole numbers becomes an input. */
function toInput(node: OperatorNode, name: string, index: number): void {
  const values = node.attributes.ints(name);
  if (!values) return;
  node.attributes.remove(name);
  setInput(node, index, list(values));
}

/** An attribute that is a number becomes an input. */
function floatToInput(node: OperatorNode, name: string, index: number): void {
  const value = node.attributes.float(name);
  if (value === undefined) return;
  node.attributes.remove(name);
  setInput(node, index, scalar(value));
}

type Form = (node: OperatorNode, version: number) => void;

const axesBefore =
  (version: number): Form =>
  (node, present) => {
    if (present < version) toInput(node, 'axes', 1);
    // Says nothing where there are axes.
    if ((constantOf(node.inputs[1])?.data.length ?? 0) > 0) node.attributes.remove('noop_with_empty_axes');
  };

const split: Form = (node, version) => {
  if (version < 13) toInput(node, 'split', 1);
  const { attributes, outputs } = node;
  if (node.inputs[1]) attributes.remove('num_outputs');
  else if (!attributes.has('num_outputs')) set(node, intAttribute('num_outputs', outputs.length));
};

const clip: Form = (node, version) => {
  if (version >= 11) return;
  floatToInput(node, 'min', 1);
  floatToInput(node, 'max', 2);
};

const slice: Form = (node, version) => {
  if (version >= 10) return;
  toInput(node, 'starts', 1);
  toInput(node, 'ends', 2);
  toInput(node, 'axes', 3);
};

const pad: Form = (node, version) => {
  if (version >= 11) return;
  toInput(node, 'pads', 1);
  floatToInput(node, 'value', 2);
};

const topK: Form = (node, version) => {
  if (version >= 10) return;
  const k = node.attributes.int('k', 1);
  node.attributes.remove('k');
  setInput(node, 1, list([k]));
};

/** Before 12 its ratio was an attribute, and whether it trains was said by who ran it. */
const dropout: Form = (node, version) => {
  if (version < 12) floatToInput(node, 'ratio', 1);
  node.attributes.remove('seed');
};

/** Before 9 statistics might be one an element; before 14 training was said by the number of results. */
const batchNormalization: Form = (node, version) => {
  if (version < 9 && node.attributes.int('spatial', 1) !== 1)
    throw new GraphError('its attribute "spatial" is 0, which is not read');
  node.attributes.remove('spatial', 'is_test', 'consumed_inputs');
  if (version < 14) node.outputs = node.outputs.slice(0, 1);
};

/** Upsample repeats, or interpolates, without looking at the pixels' centres. */
const upsample: Form = (node, version) => {
  if (version < 9) {
    const scales = node.attributes.floats('scales');
    if (!scales) throw new GraphError('it lacks the attribute "scales"');
    node.attributes.remove('scales');
    setInput(node, 1, constant(tensor('float32', [scales.length], scales)));
  }
  node.opType = 'Resize';
  asymmetric(node);
};

/** Resize-10 has no region of interest. */
const resize: Form = (node, version) => {
  if (version < 11) asymmetric(node);
};

function asymmetric(node: OperatorNode): void {
  const [x, scales] = node.inputs;
  node.inputs = [x, null, scales ?? null];
  set(node, textAttribute('coordinate_transformation_mode', 'asymmetric'));
  set(node, textAttribute('nearest_mode', 'floor'));
}

/** float16 and bfloat16 are computed in float32, and so is float64 where it depends on images or weights. */
const cast: Form = (node) => {
  const to = node.attributes.int('to', 0);
  const dtype = readAs(to);
  if (!dtype) throw new GraphError(`it casts to ${elementTypeName(to)}, which is not computed with`);
  const float64 = constantOf(node.inputs[0]) ? 11 : 1;
  const number = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64 }[dtype];
  set(node, intAttribute('to', number));
  node.attributes.remove('saturate', 'round_mode');
};

const castLike: Form = (node) => {
  const like = node.inputs[1];
  const dtype = like?.kind === 'value' ? like.value.dtype : constantOf(like)?.dtype;
  const weight = like?.kind === 'weight' ? like.tensor.dtype : dtype;
  if (!weight) throw new GraphError('the type that it casts to is not known');
  node.opType = 'Cast';
  node.inputs = node.inputs.slice(0, 1);
  node.attributes.remove('saturate', 'round_mode');
  set(node, intAttribute('to', { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11 }[weight]));
};

/** Reductions whose axes became an input with operator set 18. */
const reductions = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
];

const forms: ReadonlyMap<string, Form> = new Map<string, Form>([
  ...reductions.map((name): [string, Form] => [name, axesBefore(18)]),
  ['ReduceSum', axesBefore(13)],
  ['Squeeze', axesBefore(13)],
  ['Unsqueeze', axesBefore(13)],
  ['Split', split],
  ['Clip', clip],
  ['Slice', slice],
  ['Pad', pad],
  ['TopK', topK],
  ['Dropout', dropout],
  ['BatchNormalization', batchNormalization],
  ['Upsample', upsample],
  ['Resize', resize],
  ['Cast', cast],
  ['CastLike', castLike],
]);

/**
 * Turns a node of an operator set into the present form, in place.
 *
 * @throws GraphError for a form that has no present one
 */
export function modernize(node: OperatorNode, version: number): void {
  forms.get(node.opType)?.(node, version);
}
