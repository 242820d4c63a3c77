/** What a checkpoint keeps of a folder of pictures, so that a run goes on with the same ones. */

/** What every picture is decoded to, before any transform. */
export interface PictureDecoding {
  /** 1 grey, 3 sRGB. */
  readonly channels: 1 | 3;
  /** Height and width that a picture is scaled to cover. */
  readonly cover: readonly [height: number, width: number];
  /** Whether what sticks out is cut off; otherwise it stays, for a crop that is drawn later. */
  readonly cut: boolean;
  /** What transparency is laid over, such as `#ffffff`. */
  readonly background: string;
}

/** What sticks out stays up to so many times what is covered: a line of pixels must not become gigabytes. */
export const MOST_RATIO = 4;

/** A folder of pictures, how they are decoded and drawn, and which they were. */
export interface FolderConfig {
  /** Absolute; or relative to the folder of the run, where its pictures lie in it. */
  readonly path: string;
  /** Height and width of the images in a batch. */
  readonly size: readonly [height: number, width: number];
  readonly decoding: PictureDecoding;
  /** The share of the pictures that became test pictures, and the seed of their draw; `null` where the folder has its own. */
  readonly drawn: { readonly share: number; readonly seed: number } | null;
  /** A hash of the pixels of all pictures with their classes and splits, in their order. */
  readonly fingerprint: string;
}
