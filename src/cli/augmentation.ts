/** From flags to how training images are varied. */
import { alternatingFlip } from '../data/alternating-flip.js';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import { colorJitter } from '../data/colour.js';
import type { ImageDataset } from '../data/dataset.js';
import type { ImageTransform } from '../data/image-transform.js';
import { randAugment } from '../data/rand-augment.js';
import { randomErasing } from '../data/random-erasing.js';
import { UsageError } from './errors.js';

export const flips = ['random', 'alternating', 'none'] as const;
export type Flip = (typeof flips)[number];
export const cropModes = ['zeros', 'reflect'] as const;
export type CropMode = (typeof cropModes)[number];

export interface AugmentationFlags {
  readonly augment: boolean;
  readonly flip?: Flip;
  readonly cropPadding?: number;
  readonly cropMode?: CropMode;
  /** Magnitude. */
  readonly randAugment?: number;
  /** Strength. */
  readonly colorJitter?: number;
  /** Probability. */
  readonly randomErasing?: number;
  readonly seed: number;
}

/** Flags that a run's configuration does not hold as they were given. */
export const augmentationFlags: ReadonlySet<string> = new Set(['flip', 'cropPadding', 'cropMode']);

/** What training images go through: what the dataset says, with another crop or flip, and what is added; `null` for nothing. */
export function augmentationOf(
  flags: AugmentationFlags,
  { augmentation }: ImageDataset,
): readonly ImageTransform[] | null {
  return flags.augment ? [...cropAndFlip(flags, augmentation), ...added(flags)] : null;
}

function cropAndFlip(
  { flip, cropPadding, cropMode, seed }: AugmentationFlags,
  augmentation: readonly ImageTransform[],
): readonly ImageTransform[] {
  if ((flip ?? cropPadding ?? cropMode) === undefined) return augmentation;
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

function added({
  randAugment: magnitude,
  colorJitter: strength,
  randomErasing: probability,
}: AugmentationFlags): ImageTransform[] {
  return [
    ...(magnitude === undefined ? [] : [randAugment({ magnitude })]),
    ...(strength === undefined ? [] : [jitter(strength)]),
    ...(probability === undefined ? [] : [randomErasing({ probability })]),
  ];
}

const jitter = (strength: number): ImageTransform =>
  colorJitter({
    brightness: strength,
    contrast: strength,
    saturation: strength,
    hue: Math.min(0.5, strength / 4),
  });

/** @throws UsageError for flags that leave each other nothing */
export function checkAugmentation(flags: AugmentationFlags): void {
  if (flags.augment || added(flags).length === 0) return;
  throw new UsageError('--no-augment leaves nothing for --rand-augment, --color-jitter and --random-erasing');
}

function cropWith(padding: number, mode: CropMode = 'zeros'): ImageTransform | undefined {
  if (padding === 0) return undefined;
  return randomCrop({ padding, ...(mode === 'reflect' && { paddingMode: mode }) });
}
