/** Curves of many steps, as many points of them as can be told apart. */
import type { Point } from './run.js';

const WINDOW = 10;
/** A chart has hardly more pixels across. */
const MOST_POINTS = 800;

/**
 * Means over ten steps each, of every step, or of every second, fourth, … and the last, so that drawing does not take longer
 * the longer a run is.
 */
export function smooth(points: readonly Point[]): Point[] {
  let stride = 1;
  while (points.length / stride > MOST_POINTS) stride *= 2;
  const smoothed: Point[] = [];
  for (let end = stride; end <= points.length; end += stride) smoothed.push(meanBefore(points, end));
  if (points.length % stride > 0) smoothed.push(meanBefore(points, points.length));
  return smoothed;
}

/** The mean of the last ten steps; undefined before there are any. */
export const lastMean = (points: readonly Point[]): number | undefined =>
  points.length > 0 ? meanBefore(points, points.length).value : undefined;

function meanBefore(points: readonly Point[], end: number): Point {
  const begin = Math.max(0, end - WINDOW);
  let sum = 0;
  for (let i = begin; i < end; i++) sum += points[i].value;
  return { step: points[end - 1].step, value: sum / (end - begin) };
}
