/** What a classifier takes, and what it needs of Node or of a browser to read it. */
import type { ImageShape } from '../../data/dataset.js';
import type { PictureDecoding } from '../../data/folder/folder-config.js';
import type { Picture } from '../../data/image-transform.js';
import type { RawPicture } from '../../data/raw-picture.js';
import type { ExternalData } from '../../graph/import/foreign-values.js';
import type { Checkpoint } from '../checkpoint.js';

/** Bytes of a file, whoever holds them: a `Blob`, a `File`. */
export interface FileLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What a page shows: an `HTMLImageElement`, `ImageBitmap`, canvas or video. */
export interface PictureElement {
  readonly width: number;
  readonly height: number;
  readonly data?: undefined;
}

/** Where a file is: a path in Node, an address in a browser; or its bytes. */
export type FileSource = string | { readonly href: string } | Uint8Array | ArrayBuffer | FileLike;

/**
 * A picture: an encoded image (a file's path in Node, its address in a browser, its bytes, a `Blob` or `File`), pixels
 * (`ImageData`, or what a decoder gives), and in a browser an element or bitmap that shows one. Encoded images are JPEG,
 * PNG or WebP.
 */
export type PictureFile = FileSource | RawPicture | PictureElement;

export interface Platform {
  /**
   * A picture in a model's size; or, where the model was trained on pictures of a folder, as these were decoded.
   *
   * @throws DataError for what is no picture that can be read
   */
  readonly readPicture: (
    picture: PictureFile,
    shape: ImageShape,
    decoding?: PictureDecoding,
  ) => Promise<Picture>;
  /**
   * A checkpoint, and what to call it in messages.
   *
   * @throws CheckpointError for what is none
   */
  readonly readModel: (
    source: FileSource,
  ) => Promise<{ readonly name: string; readonly checkpoint: Checkpoint }>;
  /**
   * The bytes of an `.onnx` file, what to call it in messages, and how to come by the files beside it.
   *
   * @throws GraphError for what cannot be read
   */
  readonly readOnnx: (source: FileSource) => Promise<{
    readonly name: string;
    readonly bytes: Uint8Array;
    readonly externalData?: ExternalData;
  }>;
}

/** The shape that pixels are scaled to: crops of what sticks out beyond it are crops of it. */
export function coveredShape(shape: ImageShape, decoding?: PictureDecoding): ImageShape {
  return decoding ? [decoding.channels, ...decoding.cover] : shape;
}

/** Whether a picture is pixels already. */
export function isRaw(picture: PictureFile): picture is RawPicture {
  return typeof picture === 'object' && 'data' in picture && picture.data !== undefined;
}

/** The bytes that were given as such; undefined for anything else. */
export async function bytesIn(source: PictureFile): Promise<Uint8Array | undefined> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source === 'object' && 'arrayBuffer' in source)
    return new Uint8Array(await source.arrayBuffer());
  return undefined;
}
