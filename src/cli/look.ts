/** `tract look`. */
import { basename } from 'node:path';
import { contactSheet } from '../compare/contact-sheet.js';
import { imageCount } from '../data/dataset.js';
import { isFolderDataset } from '../data/folder/image-folder.js';
import { writeAtomically } from '../data/atomic-write.js';
import { type MixingFlags, augmentationOf, mixingOf } from './augmentation.js';
import { Interruption } from './interruption.js';
import { print, printJson } from './terminal.js';
import type { DataFlags } from './train-flags.js';
import { datasetFrom } from './train-plan.js';

export interface LookFlags extends DataFlags, MixingFlags {
  readonly batchSize: number;
  readonly pictures: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** Writes what a model will see of the data, and returns the exit code. */
export async function look(flags: LookFlags): Promise<number> {
  const interruption = new Interruption(() => undefined);
  try {
    const dataset = await datasetFrom(flags, interruption.signal);
    const html = await contactSheet(dataset, {
      augmentation: augmentationOf(flags, dataset),
      seed: flags.seed,
      // Of few images the batch is all of them.
      batchSize: Math.min(flags.batchSize, imageCount(dataset.train)),
      ...mixingOf(flags),
      pictures: flags.pictures,
      ...(isFolderDataset(dataset) && { report: dataset.report }),
    });
    const out = flags.out ?? `look-${basename(dataset.name)}.html`;
    await writeAtomically(out, html);
    if (flags.json) {
      const { name, classNames, imageShape, train, validation, test } = dataset;
      printJson({
        event: 'look',
        out,
        data: name,
        classNames,
        imageShape,
        trainImages: imageCount(train),
        ...(validation && { validationImages: imageCount(validation) }),
        testImages: imageCount(test),
        ...(isFolderDataset(dataset) && { report: dataset.report }),
      });
    } else print(`Drawn in ${out}`);
    return 0;
  } catch (error) {
    const { signal } = interruption;
    if (signal.aborted && error === signal.reason) return interruption.exitCode ?? 1;
    throw error;
  } finally {
    interruption.close();
  }
}
