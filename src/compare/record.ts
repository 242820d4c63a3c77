/** What remains of a run: the file `result.json` in its folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../train/atomic-write.js';
import type { TrainingEvent } from '../train/events.js';
import * as check from '../train/json-check.js';

/** The test split at one point of a run. */
export interface CurvePoint {
  readonly step: number;
  /** 0 to 1 */
  readonly accuracy: number;
  /** Mean cross entropy. */
  readonly loss: number;
}

export interface RunRecord {
  /** Of the planned run. */
  readonly id: string;
  /** In the order of steps. */
  readonly curve: readonly CurvePoint[];
  /** Median time of a step in seconds, waiting for data included, evaluations not. */
  readonly secondsPerStep: number;
  /** Why the run ended early, if its loss was no number any more. */
  readonly diverged?: string;
}

/** The record of a finished run, or undefined where there is none, or one of another run. */
export async function readRecord(folder: string, id: string): Promise<RunRecord | undefined> {
  const text = await readFile(join(folder, 'result.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const record = parseRecord(JSON.parse(text));
    return record.id === id ? record : undefined;
  } catch {
    // Damaged: the run counts as unfinished, and its checkpoint tells how far it is.
    return undefined;
  }
}

export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  await writeAtomically(join(folder, 'result.json'), `${JSON.stringify(record, null, 1)}\n`);
}

function parseRecord(value: unknown): RunRecord {
  const { id, curve, secondsPerStep, diverged } = check.record(value, 'result');
  return {
    id: check.text(id, 'id'),
    curve: check.list(curve, 'curve', (point, place) => {
      const { step, accuracy, loss } = check.record(point, place);
      return {
        step: check.integer(step, `${place}.step`, 0),
        accuracy: check.number(accuracy, `${place}.accuracy`),
        loss: check.number(loss, `${place}.loss`),
      };
    }),
    secondsPerStep: check.number(secondsPerStep, 'secondsPerStep'),
    ...(diverged !== undefined && { diverged: check.text(diverged, 'diverged') }),
  };
}

/**
 * The evaluations and the times of steps in a run's `metrics.jsonl`.
 *
 * @param batchSize images of a step
 */
export async function readMetrics(
  folder: string,
  batchSize: number,
): Promise<{ curve: CurvePoint[]; stepSeconds: number[] }> {
  const lines = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).split('\n').filter(Boolean);
  const curve = new Map<number, CurvePoint>();
  const stepSeconds: number[] = [];
  for (const line of lines) {
    const event = JSON.parse(line) as TrainingEvent;
    if (event.event === 'step') stepSeconds.push(batchSize / event.imagesPerSecond);
    else {
      const { step, testAccuracy: accuracy, testLoss: loss } = event;
      curve.set(step, { step, accuracy, loss });
    }
  }
  return { curve: [...curve.values()].sort((a, b) => a.step - b.step), stepSeconds };
}
