/** What a classifier that has learned nothing gets right, and what is clearly more than that. */

export interface Chance {
  /** Accuracy of always naming the most frequent class: 1 / classes where all are equally frequent. */
  readonly accuracy: number;
  /** The lowest accuracy beyond the 95 % interval of guessing on that many images. */
  readonly clearlyAbove: number;
}

/**
 * Chance on the images that a run is evaluated on.
 *
 * @param labels the class of each of them, from 0
 * @param classes how many there are, whether or not the labels have them all
 */
export function chanceOf(labels: ArrayLike<number>, classes: number): Chance {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const accuracy = Math.max(1 / classes, Math.max(...counts) / labels.length);
  return { accuracy, clearlyAbove: upperLimit(labels.length, accuracy) / labels.length };
}

/**
 * The smallest k that a binomial variable reaches with a probability of at most 2.5 %: the first value above its
 * two-sided 95 % interval. It may be `trials + 1`, which nothing reaches.
 *
 * @param trials at least 1
 * @param probability of a success, above 0 and at most 1
 */
export function upperLimit(trials: number, probability: number): number {
  if (probability >= 1) return trials + 1;
  // P(X = k) from the top: each is the one before times a ratio; logarithms, since the first may be 1e-2000.
  let logarithm = trials * Math.log(probability);
  let tail = 0;
  for (let k = trials; k >= 0; k--) {
    tail += Math.exp(logarithm);
    if (tail > 0.025) return k + 1;
    logarithm += Math.log(k / (trials - k + 1)) + Math.log((1 - probability) / probability);
  }
  return 0;
}
