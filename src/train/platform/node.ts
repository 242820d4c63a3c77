/** Pictures and checkpoints in Node: files, bytes and pixels. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DataError } from '../../data/data-error.js';
import { coverImage } from '../../data/raw-picture.js';
import { GraphError } from '../../graph/graph.js';
import { fromCheckpoint } from '../checkpoint.js';
import { filesBeside } from '../files-beside.js';
import { CheckpointError } from '../json-check.js';
import { readKeptCheckpoint } from '../run-folder.js';
import { type Platform, bytesIn, coveredShape, isRaw } from './platform.js';

export const readPicture: Platform['readPicture'] = async (picture, shape, decoding) => {
  if (isRaw(picture)) {
    const covered = coveredShape(shape, decoding);
    return { data: coverImage(picture, covered), shape: covered };
  }
  const file = typeof picture === 'string' ? picture : (pathOf(picture) ?? (await bytesIn(picture)));
  if (file === undefined)
    throw new DataError('A picture in Node is a path, the bytes of an image file, or pixels.');
  // Decoders take a while to load, and whoever has pixels does not need them.
  const { readImage, readPictureAs } = await import('../../data/image-file.js');
  return decoding ? readPictureAs(file, decoding) : { data: await readImage(file, shape), shape };
};

export const readModel: Platform['readModel'] = async (source) => {
  const path = typeof source === 'string' ? source : pathOf(source);
  if (path !== undefined) {
    const { file, ...checkpoint } = await readKeptCheckpoint(path);
    return { name: file, checkpoint };
  }
  const bytes = await bytesIn(source);
  if (!bytes) throw new CheckpointError('a model in Node is a path, or the bytes of a checkpoint');
  return { name: 'the checkpoint', checkpoint: fromCheckpoint(bytes) };
};

export const readOnnx: Platform['readOnnx'] = async (source) => {
  const path = typeof source === 'string' ? source : pathOf(source);
  if (path !== undefined) {
    try {
      return { name: path, bytes: await readFile(path), externalData: filesBeside(path) };
    } catch (error) {
      throw new GraphError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }
  const bytes = await bytesIn(source);
  if (!bytes) throw new GraphError('a model in Node is a path, or the bytes of an .onnx file');
  return { name: 'the model', bytes };
};

/** The path of a `file:` URL; undefined for anything else. */
function pathOf(source: object): string | undefined {
  if (!('href' in source) || typeof source.href !== 'string') return undefined;
  if (!source.href.startsWith('file:'))
    throw new DataError(`${source.href} is no file of this machine; fetch it, and give the bytes.`);
  return fileURLToPath(source.href);
}
