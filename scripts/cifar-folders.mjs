// CIFAR-10 as pictures in folders: one PNG file for each image, for the commands that train on such.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { SingleBar } from 'cli-progress';
import { cifar10 } from '../dist/node.js';
import { writeClassFolders } from '../dist/testing/picture-files.js';

/** A bar on a terminal; elsewhere a line now and then. */
export function progress(what, total) {
  let printed = performance.now();
  const bar = process.stderr.isTTY
    ? new SingleBar({
        format: `${what} [{bar}] {value}/{total}`,
        stream: process.stderr,
        clearOnComplete: true,
      })
    : undefined;
  bar?.start(total, 0);
  return {
    update(done) {
      bar?.update(done);
      if (bar || performance.now() - printed < 10_000) return;
      printed = performance.now();
      console.error(`${what}: ${done} of ${total}`);
    },
    end: () => bar?.stop(),
  };
}

/** CIFAR-10 from a folder, or downloaded once. */
export async function readCifar(dir) {
  if (dir !== undefined) return cifar10({ dir });
  console.error(
    'CIFAR-10 is downloaded (170 MB), unless it was before; --data-dir names a folder that has it.',
  );
  return cifar10();
}

/**
 * Writes the images of both splits, `folder/train/CLASS/NUMBER.png` and `folder/test/…`; names and order are those of the
 * dataset.
 *
 * @param limits how many of each split; all where it is left out
 */
export async function writeCifarFolders(folder, dataset, limits = {}) {
  const { imageShape, classNames } = dataset;
  const size = imageShape.reduce((a, b) => a * b);
  const count = (split) => Math.min(limits[split] ?? Infinity, dataset[split].labels.length);
  const bar = progress('Writing PNG files', count('train') + count('test'));
  let before = 0;
  for (const split of ['train', 'test']) {
    const { images, labels } = dataset[split];
    const some = { images: images.subarray(0, count(split) * size), labels: labels.slice(0, count(split)) };
    await writeClassFolders(join(folder, split), some, imageShape, classNames, (files) => {
      bar.update(before + files);
    });
    before += count(split);
  }
  bar.end();
  return before;
}
