/** What a run reads its images from. */
import type { ImageDataset } from '../../data/dataset.js';

/** A dataset that is open, with the names of its pictures. */
export interface OpenData {
  readonly dataset: ImageDataset;
  /** What a picture is called. */
  readonly nameOf: (split: 'train' | 'test', index: number) => string;
  /** Its pictures as files, where they are the user's own: what a run needs to go on elsewhere. */
  readonly files?: () => AsyncIterable<{ readonly path: string; readonly bytes: Uint8Array }>;
  close(): void;
}
