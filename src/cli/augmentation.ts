/** From flags to how training images are varied. */
import { alternatingFlip } from '../data/alternating-flip.js';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import { colorJitter } from '../data/colour.js';
import type { ImageDataset } from '../data/dataset.js';
import type { ImageTransform } from '../data/image-transform.js';
import { randAugment } from '../data/rand-augment.js';
import type { Mixing } from '../data/mixing.js';
import { randomErasing } from '../data/random-erasing.js';
import { randomResizedCrop } from '../data/resize.js';
import { UsageError } from './errors.js';

export const flips = ['random', 'alternating', 'none'] as const;
export type Flip = (typeof flips)[number];
export const crops = ['padding', 'resized', 'none'] as const;
export type Crop = (typeof crops)[number];
export const cropModes = ['zeros', 'reflect'] as const;
export type CropMode = (typeof cropModes)[number];

export interface AugmentationFlags {
  readonly augment: boolean;
  readonly flip?: Flip;
  readonly crop?: Crop;
  /** The least share of the area. */
  readonly cropScale?: number;
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

export interface MixingFlags {
  readonly mixup?: number;
  readonly cutmix?: number;
}

const cropFlags = ['crop', 'cropScale', 'cropPadding', 'cropMode'] as const;

/** Flags that a run's configuration does not hold as they were given. */
export const augmentationFlags: ReadonlySet<string> = new Set(['flip', ...cropFlags]);

/** How images are mixed, where they are. */
export function mixingOf({ mixup, cutmix }: MixingFlags): { readonly mixing?: Mixing } {
  if ((mixup ?? cutmix) === undefined) return {};
  return { mixing: { ...(mixup !== undefined && { mixup }), ...(cutmix !== undefined && { cutmix }) } };
}

/**
 * What training images go through: what the dataset says, with another crop or flip, and what is added; `null` for nothing.
 *
 * @throws UsageError for flags of different crops
 */
export function augmentationOf(
  flags: AugmentationFlags,
  dataset: ImageDataset,
): readonly ImageTransform[] | null {
  return flags.augment ? [...cropAndFlip(flags, dataset), ...added(flags)] : null;
}

function cropAndFlip(flags: AugmentationFlags, dataset: ImageDataset): readonly ImageTransform[] {
  const { flip, seed } = flags;
  const { augmentation } = dataset;
  if (flip === undefined && cropFlags.every((flag) => flags[flag] === undefined)) return augmentation;
  const [crop, mirror] = [
    augmentation.find(({ name }) => name === 'randomCrop' || name === 'randomResizedCrop'),
    augmentation.find(({ name }) => name === 'randomHorizontalFlip'),
  ];
  const flipped =
    flip === undefined
      ? mirror
      : { random: randomHorizontalFlip(), alternating: alternatingFlip({ seed }), none: undefined }[flip];
  const others = augmentation.filter((one) => one !== crop && one !== mirror);
  return [...croppedBy(flags, dataset, crop), ...(flipped ? [flipped] : []), ...others];
}

/** @param usual the crop of the dataset */
function croppedBy(
  flags: AugmentationFlags,
  { imageShape: [, height, width], evaluation = [] }: ImageDataset,
  usual: ImageTransform | undefined,
): readonly ImageTransform[] {
  const { cropScale, cropPadding, cropMode } = flags;
  const crop = flags.crop ?? cropNamed(flags);
  if (crop === undefined) return usual ? [usual] : [];
  checkCrop(crop, flags);
  if (crop === 'resized') {
    const size = [height, width] as const;
    return [randomResizedCrop({ size, ...(cropScale !== undefined && { scale: [cropScale, 1] }) })];
  }
  // A random part has made images smaller, too; without it they get to their size as they do in evaluation.
  const sized = usual?.name === 'randomResizedCrop' ? evaluation : [];
  const usualPadding = usual?.name === 'randomCrop' ? Number(usual.config.padding) : undefined;
  const padding = cropPadding ?? usualPadding ?? Math.floor(Math.min(height, width) / 8);
  if (crop === 'none' || padding === 0) return sized;
  return [...sized, randomCrop({ padding, ...(cropMode === 'reflect' && { paddingMode: cropMode }) })];
}

/** The crop that the other flags are of. */
function cropNamed({ cropScale, cropPadding, cropMode }: AugmentationFlags): Crop | undefined {
  if ((cropPadding ?? cropMode) !== undefined) return 'padding';
  return cropScale === undefined ? undefined : 'resized';
}

function checkCrop(crop: Crop, { cropScale, cropPadding, cropMode }: AugmentationFlags): void {
  if (crop !== 'resized' && cropScale !== undefined)
    throw new UsageError(`--crop-scale is for --crop resized, not for --crop ${crop}`);
  if (crop === 'padding' || (cropPadding ?? cropMode) === undefined) return;
  const given = cropPadding === undefined ? '--crop-mode' : '--crop-padding';
  throw new UsageError(`${given} is for --crop padding, not for --crop ${crop}`);
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
  if (flags.augment) return;
  if (added(flags).length > 0)
    throw new UsageError(
      '--no-augment leaves nothing for --rand-augment, --color-jitter and --random-erasing',
    );
  if (flags.flip !== undefined || cropFlags.some((flag) => flags[flag] !== undefined))
    throw new UsageError('--no-augment leaves nothing for --flip and --crop');
}
