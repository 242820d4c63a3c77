/** `tract predict`. */
import type { Device } from '../engine/device.js';
import { DataError } from '../data/data-error.js';
import { Evaluator } from '../train/evaluator.js';
import { percent } from '../compare/words.js';
import { note, print, printJson, printTable } from './terminal.js';
import { type Trained, readTrained } from './trained.js';

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
  // Decoders take a while to load, and no other command needs them.
  const { readImage } = await import('../data/image-file.js');
  const trained = await readTrained(run);
  const { device, threads } = flags;
  const evaluator = await Evaluator.create(trained.model, {
    batchSize: 1,
    device,
    ...(threads && { threads }),
  });
  let exitCode = 0;
  for (const image of images) {
    try {
      const pixels = await readImage(image, trained.model.imageShape);
      const { data } = await evaluator.predict(trained.learned, pixels);
      tell(image, best(data, trained, flags.top), flags.json === true);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      note(`error: ${error.message}`);
      exitCode = 1;
    }
  }
  await evaluator.release();
  return exitCode;
}

function best(logits: Float32Array, { config }: Trained, count: number): Guess[] {
  return softmax(logits)
    .map((probability, index) => ({ class: config.data.classNames[index], probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

function softmax(logits: Float32Array): number[] {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
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
