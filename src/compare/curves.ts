/** Learning curves: means over seeds, and when they reach a target. */
import type { CurvePoint } from './record.js';
import { mean, standardDeviation } from './statistics.js';

/** A figure over the seeds. */
export interface Spread {
  readonly mean: number;
  /** The sample standard deviation; null for one seed. */
  readonly deviation: number | null;
}

/** A point of a mean curve. */
export interface MeanPoint {
  readonly step: number;
  readonly accuracy: Spread;
  readonly loss: Spread;
}

export function spread(values: readonly number[]): Spread {
  return { mean: mean(values), deviation: values.length < 2 ? null : standardDeviation(values) };
}

/** The mean of curves, at the steps that all of them have. */
export function meanCurve(curves: readonly (readonly CurvePoint[])[]): MeanPoint[] {
  if (curves.length === 0) return [];
  const [first, ...others] = curves.map((curve) => new Map(curve.map((point) => [point.step, point])));
  return [...first.keys()]
    .filter((step) => others.every((points) => points.has(step)))
    .map((step) => {
      const points = [first, ...others].map((curve) => curve.get(step)!);
      return {
        step,
        accuracy: spread(points.map(({ accuracy }) => accuracy)),
        loss: spread(points.map(({ loss }) => loss)),
      };
    });
}

/** An accuracy at a step. */
export interface AccuracyPoint {
  readonly step: number;
  readonly accuracy: number;
}

/**
 * The step at which a curve first reaches an accuracy, interpolated linearly between two evaluations; null where it
 * never does.
 */
export function stepsTo(target: number, curve: readonly AccuracyPoint[]): number | null {
  const at = curve.findIndex(({ accuracy }) => accuracy >= target);
  if (at < 0) return null;
  const after = curve[at];
  if (at === 0 || after.accuracy === target) return after.step;
  const before = curve[at - 1];
  const share = (target - before.accuracy) / (after.accuracy - before.accuracy);
  return before.step + share * (after.step - before.step);
}

/** The highest accuracy of a curve up to a step; linear between evaluations. */
export function bestUntil(step: number, curve: readonly AccuracyPoint[]): number {
  let best = -Infinity;
  curve.forEach((point, i) => {
    if (point.step <= step) {
      best = Math.max(best, point.accuracy);
      return;
    }
    const before = i > 0 ? curve[i - 1] : undefined;
    if (!before || before.step >= step) return;
    const share = (step - before.step) / (point.step - before.step);
    best = Math.max(best, before.accuracy + share * (point.accuracy - before.accuracy));
  });
  return best;
}
