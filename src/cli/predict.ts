/** `tract predict`. */
import { stat } from 'node:fs/promises';
import type { Device } from '../engine/device.js';
import { createVariantModel } from '../compare/variant.js';
import { percent } from '../compare/words.js';
import { pictureFilesIn } from '../data/folder/class-files.js';
import { DataError } from '../data/data-error.js';
import { Classifier, type Prediction } from '../train/classifier.js';
import { refuseFolderOfRuns } from './runs-within.js';
import { note, print, printJson, printTable } from './terminal.js';

export interface PredictFlags {
  readonly top: number;
  readonly device: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

interface Guess {
  readonly class: string;
  readonly probability: number;
}

/** Prints the most probable classes of each image; returns the exit code: 1 if one could not be read. */
export async function predict(run: string, images: readonly string[], flags: PredictFlags): Promise<number> {
  await refuseFolderOfRuns(run);
  const { device, threads } = flags;
  const classifier = await Classifier.load(run, {
    makeModel: createVariantModel,
    device,
    ...(threads && { threads }),
  });
  let exitCode = 0;
  for (const image of await picturesIn(images)) {
    try {
      const prediction = await classifier.predict(image);
      tell(image, best(prediction, classifier.classNames, flags.top), flags.json === true);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      note(`error: ${error.message}`);
      exitCode = 1;
    }
  }
  await classifier.release();
  return exitCode;
}

/** Files, and in the place of folders the pictures in them. */
async function picturesIn(paths: readonly string[]): Promise<string[]> {
  const lists = paths.map(async (path) => {
    const found = await stat(path).catch(() => undefined);
    return found?.isDirectory() ? pictureFilesIn(path) : [path];
  });
  return (await Promise.all(lists)).flat();
}

function best({ probabilities }: Prediction, classNames: readonly string[], count: number): Guess[] {
  return Array.from(probabilities, (probability, index) => ({ class: classNames[index], probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

function tell(image: string, guesses: readonly Guess[], json: boolean): void {
  if (json) {
    printJson({ event: 'prediction', image, top: guesses });
    return;
  }
  print(image);
  printTable(
    guesses.map((guess) => ['', percent(guess.probability), guess.class]),
    { left: [0, 2], heading: false },
  );
}
