/** Lines of `metrics.jsonl`, checked before they are believed. */
import type { TrainingEvent } from './events.js';
import type { Progress } from './progress.js';

const events: readonly string[] = ['step', 'evaluation', 'epoch'] satisfies TrainingEvent['event'][];

/** A line of which the event and its place are sure; its figures may be missing, or null, as JSON writes NaN. */
export interface MetricsLine extends Readonly<Record<string, unknown>> {
  readonly event: TrainingEvent['event'];
  readonly step: number;
  /** Sure for the end of an epoch. */
  readonly epoch?: number;
}

/** What a line records; undefined where it records no event, such as half a line, where the power went off. */
export function parseMetricsLine(line: string): MetricsLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { event, step, epoch, imagesPerSecond = null } = value as Readonly<Record<string, unknown>>;
  const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && (count as number) >= 0;
  const placed = isCount(step) && (isCount(epoch) || (epoch === undefined && event !== 'epoch'));
  // The one figure that is calculated with as it is.
  const timed = imagesPerSecond === null || typeof imagesPerSecond === 'number';
  return placed && timed && events.includes(event as string) ? (value as MetricsLine) : undefined;
}

/** The lines of a run's metrics that belong to what a checkpoint knows of. */
export function knownMetrics(text: string, progress: Progress): string {
  return text
    .split('\n')
    .filter((line) => {
      const known = parseMetricsLine(line);
      if (!known) return false;
      const { event, step, epoch } = known;
      if (event === 'epoch') return epoch! <= progress.epoch;
      // An evaluation that was due where the run goes on is made again.
      return event === 'step' ? step <= progress.step : step < progress.step;
    })
    .map((line) => `${line}\n`)
    .join('');
}
