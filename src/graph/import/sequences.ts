/**
 * Sequences of tensors, which exporters use where a tensor is split and put together again. How many tensors there are
 * is known while the file is read, so that nothing of a sequence is left but they.
 */
import { tensor } from '../../tensor/tensor.js';
import { GraphError } from '../graph.js';
import { normalizeAxis } from '../ops.js';
import { type Known, type OperatorNode, constantOf, shapeOf } from './known.js';

/** Makes a node of another operator. */
type Make = (
  opType: string,
  inputs: readonly Known[],
  settings: Readonly<Record<string, number>>,
  outputs: number,
) => readonly Known[];

type Sequence = Extract<Known, { kind: 'sequence' }>;

/** The longest sequence that a tensor is split into. */
const MAXIMUM_LENGTH = 1000;

const numbers = (values: readonly number[]): Known => ({
  kind: 'constant',
  tensor: tensor('int64', [values.length], values),
});

function sequenceIn({ inputs }: OperatorNode): Sequence {
  const [first] = inputs;
  if (first?.kind !== 'sequence') throw new GraphError('its input 0 is no sequence');
  return first;
}

function position(node: OperatorNode, index: number, limit: number): number {
  const given = Number(constantOf(node.inputs[index])?.data[0]);
  const at = given < 0 ? given + limit : given;
  if (!Number.isSafeInteger(at) || at < 0 || at >= limit)
    throw new GraphError(`its position is not a constant within ${limit} tensors`);
  return at;
}

/** How long the parts are that an axis is split into. */
function partsOf(length: number, given: Known | null | undefined): number[] {
  const split = constantOf(given);
  if (given && !split) throw new GraphError('its parts are not constant');
  if (split?.shape.length === 1) return Array.from(split.data, Number);
  const part = split ? Number(split.data[0]) : 1;
  if (!Number.isSafeInteger(part) || part < 1) throw new GraphError(`it splits into parts of ${part}`);
  const count = Math.ceil(length / part);
  if (count > MAXIMUM_LENGTH)
    throw new GraphError(`it splits into ${count} tensors, and ${MAXIMUM_LENGTH} is the limit`);
  return Array.from({ length: count }, (_, i) => Math.min(part, length - i * part));
}

function split(node: OperatorNode, make: Make): Known {
  const [x, given] = node.inputs;
  const shape = x && shapeOf(x);
  if (!shape) throw new GraphError('it lacks input 0');
  const axis = normalizeAxis(node.opType, node.attributes.int('axis', 0), shape);
  const parts = partsOf(shape[axis], given);
  const values = make('Split', [x, numbers(parts)], { axis }, parts.length);
  if (given || node.attributes.int('keepdims', 1) !== 0) return { kind: 'sequence', values };
  return { kind: 'sequence', values: values.map((one) => make('Squeeze', [one, numbers([axis])], {}, 1)[0]) };
}

function join(node: OperatorNode, make: Make): Known {
  const { values } = sequenceIn(node);
  const axis = node.attributes.int('axis', 0);
  const apart = node.attributes.int('new_axis', 0) !== 0;
  const parts = apart ? values.map((one) => make('Unsqueeze', [one, numbers([axis])], {}, 1)[0]) : values;
  if (parts.length === 0) throw new GraphError('it joins no tensors');
  return make('Concat', parts, { axis }, 1)[0];
}

/** The result of a node that takes or gives a sequence; undefined for other operators. */
export function sequenceOperator(node: OperatorNode, make: Make): Known | undefined {
  switch (node.opType) {
    case 'SplitToSequence':
      return split(node, make);
    case 'ConcatFromSequence':
      return join(node, make);
    case 'SequenceConstruct':
      return { kind: 'sequence', values: node.inputs.filter((known) => known !== null) };
    case 'SequenceAt': {
      const { values } = sequenceIn(node);
      return values[position(node, 1, values.length)];
    }
    case 'SequenceLength':
      return { kind: 'constant', tensor: tensor('int64', [], [sequenceIn(node).values.length]) };
    default:
      return undefined;
  }
}
