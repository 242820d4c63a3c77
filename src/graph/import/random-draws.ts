/** Operators that draw at random: in training by the model's own streams, in inference not at all. */
import { tensor } from '../../tensor/tensor.js';
import { GraphError } from '../graph.js';
import * as op from '../ops.js';
import type { Frame } from './frames.js';
import type { GraphBuilder } from './graph-builder.js';
import { type Known, type OperatorNode, constantOf, shapeOf } from './known.js';
import { modernize } from './older-forms.js';

/** Dropout's result. */
export function dropoutOf(node: OperatorNode, frame: Frame, builder: GraphBuilder): readonly Known[] {
  modernize(node, frame.operatorSet);
  const [x, ratio, training] = node.inputs;
  if (!x) throw new GraphError('it lacks input 0');
  const share = constantOf(ratio);
  const flag = constantOf(training);
  if ((ratio && !share) || (training && !flag))
    throw new GraphError('its ratio, or whether it trains, is not constant');
  const p = share ? Number(share.data[0]) : 0.5;
  if (!(p >= 0 && p < 1)) throw new GraphError(`its ratio is ${p}, not at least 0 and below 1`);
  if (x.kind !== 'value') return [x];
  builder.count(node);
  // Left out, or false: nothing is dropped in inference, which is what such a file was made for; it is in training.
  return [
    {
      kind: 'value',
      value: builder.scoped(node, () =>
        builder.options.dropout(x.value, p, `${frame.prefix}${node.outputs[0]}`),
      ),
    },
  ];
}

/** What RandomUniform and Bernoulli draw. */
export function drawnBy(node: OperatorNode, frame: Frame, builder: GraphBuilder): Known {
  const { opType, inputs, attributes } = node;
  const shape = opType === 'RandomUniform' ? attributes.ints('shape') : inputs[0] && shapeOf(inputs[0]);
  if (!shape) throw new GraphError('the shape of what it draws is not known');
  const [low, high] = [attributes.float('low', 0), attributes.float('high', 1)];
  builder.count(node);
  const { uniform } = builder.options;
  const drawn =
    uniform && builder.scoped(node, () => uniform(shape, low, high, `${frame.prefix}${node.outputs[0]}`));
  if (opType !== 'Bernoulli') {
    if (drawn) return { kind: 'value', value: drawn };
    if (low !== 0 || high !== 1) throw new GraphError('what it draws has no counterpart in inference');
    return { kind: 'random', shape };
  }
  const given = inputs[0];
  const probability = constantOf(given);
  const p = Number(probability?.data[0]);
  if (!probability || probability.data.some((element) => Number(element) !== p) || !(p >= 0 && p <= 1))
    throw new GraphError('its probability is not one constant number');
  if (!drawn) return { kind: 'random', shape, probability: p };
  return { kind: 'value', value: op.cast(op.greater(p, drawn), 'float32') };
}

/** In inference a draw of zeros and ones is worth its mean, which undoes what the ones are scaled up by. */
export function ofRandom({ opType, inputs }: OperatorNode): readonly Known[] | undefined {
  const [a, b] = inputs;
  const random = a?.kind === 'random' ? a : b?.kind === 'random' ? b : undefined;
  if (!random) return undefined;
  const { shape, probability } = random;
  if (opType === 'Less' && a === random && probability === undefined) {
    const p = Number(constantOf(b)?.data[0]);
    if (p >= 0 && p <= 1 && constantOf(b)!.data.length === 1)
      return [{ kind: 'random', shape, probability: p }];
  }
  if (opType === 'Cast' && probability !== undefined) {
    const ones = shape.map(() => 1);
    return [{ kind: 'constant', tensor: tensor('float32', ones, [probability]) }];
  }
  throw new GraphError('it takes random numbers in a way that has no counterpart in inference');
}
