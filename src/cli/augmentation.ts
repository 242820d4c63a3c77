/** From flags to how training images are varied. */
import { alternatingFlip } from '../data/alternating-flip.js';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageDataset } from '../data/dataset.js';
import type { ImageTransform } from '../data/image-transform.js';

export const flips = ['random', 'alternating', 'none'] as const;
export type Flip = (typeof flips)[number];
export const cropModes = ['zeros', 'reflect'] as const;
export type CropMode = (typeof cropModes)[number];

export interface AugmentationFlags {
  readonly augment: boolean;
  readonly flip?: Flip;
  readonly cropPadding?: number;
  readonly cropMode?: CropMode;
  readonly seed: number;
}

/** Flags that a run's configuration does not hold as they were given. */
export const augmentationFlags: ReadonlySet<string> = new Set(['flip', 'cropPadding', 'cropMode']);

/** The dataset's augmentation with another crop or flip in place of its own; `null` for none. */
export function augmentationOf(
  { augment, flip, cropPadding, cropMode, seed }: AugmentationFlags,
  { augmentation }: ImageDataset,
): readonly ImageTransform[] | null {
  if (!augment || (flip ?? cropPadding ?? cropMode) === undefined) return augment ? augmentation : null;
  const of = (name: string): ImageTransform | undefined => augmentation.find((one) => one.name === name);
  const [crop, mirror] = [of('randomCrop'), of('randomHorizontalFlip')];
  const padding = cropPadding ?? Number(crop?.config.padding ?? 0);
  const cropped = cropPadding === undefined && cropMode === undefined ? crop : cropWith(padding, cropMode);
  const flipped =
    flip === undefined
      ? mirror
      : { random: randomHorizontalFlip(), alternating: alternatingFlip({ seed }), none: undefined }[flip];
  const others = augmentation.filter((one) => one !== crop && one !== mirror);
  return [...(cropped ? [cropped] : []), ...(flipped ? [flipped] : []), ...others];
}

function cropWith(padding: number, mode: CropMode = 'zeros'): ImageTransform | undefined {
  if (padding === 0) return undefined;
  return randomCrop({ padding, ...(mode === 'reflect' && { paddingMode: mode }) });
}
