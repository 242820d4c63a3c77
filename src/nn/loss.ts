/** Losses and what is measured beside them. */
import { type Value, GraphError, describe } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import { tensor } from '../tensor/tensor.js';

/**
 * Cross entropy of each example, as torch.nn.CrossEntropyLoss(reduction='none').
 *
 * @param logits [N, classes]
 * @param labels int32 [N]
 * @param labelSmoothing the share of the target that is spread over all classes, in [0, 1); default 0
 * @returns [N]
 */
export function crossEntropy(logits: Value, labels: Value, labelSmoothing = 0): Value {
  const [batch, classes] = logits.shape;
  if (logits.shape.length !== 2 || labels.dtype !== 'int32' || labels.shape.join() !== String(batch)) {
    throw new GraphError(`crossEntropy: ${describe(logits, labels)} are no logits and labels`);
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new OptionError(`label smoothing must be at least 0 and below 1, not ${labelSmoothing}`);
  }
  const { graph } = logits;
  const indices = graph.constant(
    tensor(
      'int32',
      [1, classes],
      Array.from({ length: classes }, (_, i) => i),
    ),
  );
  const oneHot = op.cast(op.equal(op.reshape(labels, [batch, 1]), indices), logits.dtype);
  const target =
    labelSmoothing === 0 ? oneHot : op.add(op.mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes);
  return op.neg(op.reduceSum(op.mul(target, op.logSoftmax(logits)), [1]));
}

/**
 * Whether each example's greatest logit is the one of its label.
 *
 * @param logits [N, classes]
 * @param labels int32 [N]
 * @returns float32 [N] of zeros and ones
 */
export function correct(logits: Value, labels: Value): Value {
  return op.cast(op.equal(op.cast(op.argMax(logits, 1), 'int32'), labels), 'float32');
}
