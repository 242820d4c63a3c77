/** What is measured of a classifier beside its loss. */
import { type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import { tensor } from '../tensor/tensor.js';
import { correct } from './loss.js';

/** A figure that is computed in the graph, image by image, and summed over any number of batches. */
export interface Metric {
  /** Letters, digits, `_` and `-`, such as `top5`: events carry the figure under this name. */
  readonly name: string;
  /**
   * What each image adds to the sums.
   *
   * @param logits float32 [N, classes]
   * @param labels int32 [N]
   * @returns float32 [N] or [N, k]
   */
  readonly contributions: (logits: Value, labels: Value) => Value;
  /**
   * The figure. Default: the mean over the images, one number.
   *
   * @param sums one number, or k
   */
  readonly figure?: (sums: readonly number[], images: number) => number | readonly number[];
}

/** A metric's figure from its sums. */
export function figureOf(
  { figure }: Metric,
  sums: readonly number[],
  images: number,
): number | readonly number[] {
  return figure ? figure(sums, images) : sums[0] / images;
}

/** @throws OptionError for a name that events cannot carry, or one that is there twice */
export function checkMetrics(metrics: readonly Metric[]): void {
  const names = new Set<string>();
  for (const { name } of metrics) {
    if (!/^[A-Za-z][\w-]*$/.test(name))
      throw new OptionError(
        `a metric's name is a letter followed by letters, digits, _ and -, not ${JSON.stringify(name)}`,
      );
    if (names.has(name)) throw new OptionError(`there are two metrics named "${name}"`);
    names.add(name);
  }
}

/** The share of images whose label is among the k likeliest classes; equal logits count for the label. */
export function topAccuracy(k: number): Metric {
  if (!Number.isSafeInteger(k) || k < 1)
    throw new OptionError(`topAccuracy takes a positive whole number, not ${k}`);
  return {
    name: `top${k}`,
    contributions(logits, labels) {
      const own = op.reduceSum(op.mul(logits, oneHot(logits, labels)), [1], true);
      const above = op.reduceSum(op.cast(op.greater(logits, own), 'float32'), [1]);
      return op.cast(op.greater(k, above), 'float32');
    },
  };
}

/** For each class the share of its images that are classified right; NaN for a class without images. */
export const classAccuracy: Metric = {
  name: 'classAccuracy',
  contributions(logits, labels) {
    const members = oneHot(logits, labels);
    const right = op.mul(members, op.reshape(correct(logits, labels), [-1, 1]));
    return op.concat([right, members], 1);
  },
  figure(sums) {
    const classes = sums.length / 2;
    return sums.slice(0, classes).map((right, i) => right / sums[classes + i]);
  },
};

/** 1 where the class is the label, else 0: float32 [N, classes]. */
function oneHot(logits: Value, labels: Value): Value {
  const [batch, classes] = logits.shape;
  const numbers = Array.from({ length: classes }, (_, i) => i);
  const indices = logits.graph.constant(tensor('int32', [1, classes], numbers));
  return op.cast(op.equal(op.reshape(labels, [batch, 1]), indices), logits.dtype);
}
