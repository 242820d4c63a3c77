/** The events of a run as lines of JSON in a file. */
import { appendFile, readFile } from 'node:fs/promises';
import { OutputError, outputError, writeAtomically } from '../../data/atomic-write.js';
import type { TrainingEvent } from '../events.js';
import type { Callback } from '../options.js';

/**
 * Writes every event as a line of JSON, appended at once. A run from the beginning replaces the file; one that goes on
 * drops the lines that will be written again, so that every step has one line, and lines after the last checkpoint of a
 * run that was killed none.
 *
 * @throws OutputError while training, where the file cannot be written, or holds something else than events
 */
export function jsonLines(file: string): Callback {
  let begun = false;
  const callback = async (event: TrainingEvent): Promise<void> => {
    try {
      if (!begun) await writeAtomically(file, await linesBefore(file, event));
      begun = true;
      await appendFile(file, `${JSON.stringify(event)}\n`);
    } catch (error) {
      throw outputError(error, file);
    }
  };
  return Object.assign(callback, {
    begin: () => {
      begun = false;
    },
  });
}

/** The lines of a file that tell of what was before an event. */
async function linesBefore(file: string, event: TrainingEvent): Promise<string> {
  const lines = (await textOf(file)).split('\n');
  // Behind the last line's end: nothing, or half a line, where the power went off.
  lines.pop();
  return lines
    .filter((line) => isBefore(eventIn(line, file), event))
    .map((line) => `${line}\n`)
    .join('');
}

/** A file's content, none where there is no file. */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** @throws OutputError for a line that is none of this callback's: the file is somebody else's */
function eventIn(line: string, file: string): Pick<TrainingEvent, 'event' | 'step'> {
  try {
    const { event, step } = JSON.parse(line) as TrainingEvent;
    if (typeof event === 'string' && typeof step === 'number') return { event, step };
  } catch {
    // Said below.
  }
  throw new OutputError(`${file} holds something else than the events of a run; choose another file`);
}

/** The order in which a run tells of things: a step, then the evaluation or the end of the epoch behind it. */
function isBefore(
  one: Pick<TrainingEvent, 'event' | 'step'>,
  other: Pick<TrainingEvent, 'event' | 'step'>,
): boolean {
  if (one.step !== other.step) return one.step < other.step;
  return one.event === 'step' && other.event !== 'step';
}
