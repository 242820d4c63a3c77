/**
 * The user's own pictures as a run has them: decoded once to its size, in one file, each read when a batch wants it. What is
 * in memory is some bytes a picture.
 */
import { type ImageShape, type ImageSource, imageSize } from '../../data/image-source.js';
import { imageDataset } from '../../data/image-dataset.js';
import { Subset } from '../../data/subset.js';
import { usualAugmentation } from './model.js';
import { toPng } from '../pictures/png.js';
import { type SyncFile, openStored, storedFile } from '../storage.js';
import type { OpenData } from './open-data.js';

/** Where what was decoded for runs is kept. */
export const PREPARED = 'prepared';

export const pixelsPath = (key: string): string => `${PREPARED}/${key}.pixels`;
export const indexPath = (key: string): string => `${PREPARED}/${key}.json`;

/** What is kept of decoded pictures beside their pixels, picture by picture in the order of their names. */
export interface PreparedIndex {
  /** Height and width. */
  readonly size: number;
  /** In the order in which folders of these names come. */
  readonly classNames: readonly string[];
  /** File names, each with its position in front, so that the order of names is that of the pictures. */
  readonly names: readonly string[];
  readonly labels: readonly number[];
  /** 1 for test pictures. */
  readonly test: readonly number[];
  /** Of each channel over the training pictures, of pixels in [0, 1]. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** As `imageFolder` computes it of the same pictures in folders. */
  readonly fingerprint: string;
}

/** What a run calls the folder of its pictures: one beside its checkpoint. */
export const PICTURES_FOLDER = 'pictures';

/** @throws Error where they are gone */
export async function openPictures(key: string): Promise<OpenData> {
  const file = await storedFile(indexPath(key));
  if (!file)
    throw new Error(
      'The pictures of this run are gone from the browser’s storage. Add them again, and begin a new run.',
    );
  const index = JSON.parse(await file.text()) as PreparedIndex;
  const { size, classNames, names, labels, test, mean, deviation, fingerprint } = index;
  const shape: ImageShape = [3, size, size];
  const pixels = await openStored(pixelsPath(key));
  try {
    const source = new PixelSource(pixels, labels, imageSize(shape));
    const of = (wanted: number): Subset =>
      new Subset(
        source,
        Uint32Array.from(labels.keys()).filter((i) => test[i] === wanted),
      );
    const splits = { train: of(0), test: of(1) };
    const dataset = await imageDataset({
      images: splits.train,
      test: splits.test,
      imageShape: shape,
      classNames,
      name: PICTURES_FOLDER,
      statistics: { mean, deviation },
      augmentation: usualAugmentation(size),
    });
    return {
      dataset: {
        ...dataset,
        folder: {
          path: PICTURES_FOLDER,
          size: [size, size],
          decoding: { channels: 3, cover: [size, size], cut: true, background: '#ffffff' },
          drawn: null,
          fingerprint,
        },
      },
      nameOf: (split, image) => originalName(names[splits[split].indices[image]]),
      async *files() {
        const picture = new Uint8Array(imageSize(shape));
        for (const [i, name] of names.entries()) {
          source.read(i, picture);
          const path = `${test[i] === 1 ? 'test' : 'train'}/${classNames[labels[i]]}/${name}`;
          yield await Promise.resolve({ path, bytes: toPng(picture, size, size) });
        }
      },
      close: () => {
        pixels.close();
      },
    };
  } catch (error) {
    pixels.close();
    throw error;
  }
}

/** Without the position in front, and the ending that the file of pixels has. */
const originalName = (name: string): string => name.replace(/^\d+-/, '').replace(/\.png$/, '');

class PixelSource implements ImageSource {
  readonly #pixels: SyncFile;
  readonly #labels: readonly number[];
  readonly #size: number;

  constructor(pixels: SyncFile, labels: readonly number[], size: number) {
    this.#pixels = pixels;
    this.#labels = labels;
    this.#size = size;
  }

  get count(): number {
    return this.#labels.length;
  }

  label(index: number): number {
    return this.#labels[index];
  }

  read(index: number, target: Uint8Array): void {
    const read = this.#pixels.read(target, { at: index * this.#size });
    if (read !== this.#size) throw new Error('its pixels are gone from the browser’s storage');
  }
}
