/** Losses and what is measured beside them. */
import { type Value, GraphError, describe } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import { tensor } from '../tensor/tensor.js';

/**
 * Cross entropy of each example, as torch.nn.CrossEntropyLoss(reduction='none').
 *
 * @param logits [N, classes]
 * @param labels int32 [N], or float [N, classes]: the probability of each class
 * @param labelSmoothing the share of the target that is spread over all classes, in [0, 1); default 0
 * @param classWeights what the part of each class is multiplied by; default 1
 * @returns [N]
 */
export function crossEntropy(
  logits: Value,
  labels: Value,
  labelSmoothing = 0,
  classWeights?: readonly number[],
): Value {
  const [batch, classes] = logits.shape;
  const soft = labels.dtype === logits.dtype && labels.shape.join() === logits.shape.join();
  const hard = labels.dtype === 'int32' && labels.shape.join() === String(batch);
  if (logits.shape.length !== 2 || !(soft || hard)) {
    throw new GraphError(`crossEntropy: ${describe(logits, labels)} are no logits and labels`);
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new OptionError(`label smoothing must be at least 0 and below 1, not ${labelSmoothing}`);
  }
  const oneHot = soft ? labels : oneHotOf(logits, labels);
  const target =
    labelSmoothing === 0 ? oneHot : op.add(op.mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes);
  const weighted = classWeights
    ? op.mul(target, logits.graph.constant(tensor(logits.dtype, [1, classes], classWeights)))
    : target;
  return op.neg(op.reduceSum(op.mul(weighted, op.logSoftmax(logits)), [1]));
}

/**
 * The weight of each example's class: their sum is what torch.nn.CrossEntropyLoss(weight=…) divides the sum of losses by.
 *
 * @param labels int32 [N]
 * @returns float32 [N]
 */
export function labelWeights(labels: Value, classWeights: readonly number[]): Value {
  const weights = labels.graph.constant(tensor('float32', [classWeights.length], classWeights));
  return op.gather(weights, labels);
}

/** 1 where the class is the label, else 0: [N, classes]. */
function oneHotOf(logits: Value, labels: Value): Value {
  const [batch, classes] = logits.shape;
  const indices = logits.graph.constant(
    tensor(
      'int32',
      [1, classes],
      Array.from({ length: classes }, (_, i) => i),
    ),
  );
  return op.cast(op.equal(op.reshape(labels, [batch, 1]), indices), logits.dtype);
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
