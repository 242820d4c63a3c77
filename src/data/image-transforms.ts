/** Image transforms by name, and lists of them as checkpoints keep them. */
import { alternatingFlip } from './alternating-flip.js';
import { type CropAndFlip, randomCrop, randomHorizontalFlip } from './augment.js';
import { colorJitter } from './colour.js';
import { type ImageTransform, type TransformConfig, isKnown } from './image-transform.js';
import { randAugment } from './rand-augment.js';
import { randomErasing } from './random-erasing.js';
import {
  type CenterCropOptions,
  type RandomResizedCropOptions,
  type ResizeOptions,
  centerCrop,
  randomResizedCrop,
  resize,
} from './resize.js';

/** The names `createImageTransform` takes. */
export const imageTransforms = [
  'randomCrop',
  'randomHorizontalFlip',
  'alternatingFlip',
  'resize',
  'centerCrop',
  'randomResizedCrop',
  'colorJitter',
  'randomErasing',
  'randAugment',
] as const;
export type ImageTransformName = (typeof imageTransforms)[number];

// Each checks the values it is given.
const makers: Readonly<Record<ImageTransformName, (config: TransformConfig) => ImageTransform>> = {
  randomCrop: (config) => randomCrop(config),
  randomHorizontalFlip: () => randomHorizontalFlip(),
  alternatingFlip: (config) => alternatingFlip(config),
  resize: (config) => resize(config as unknown as ResizeOptions),
  centerCrop: (config) => centerCrop(config as unknown as CenterCropOptions),
  randomResizedCrop: (config) => randomResizedCrop(config as unknown as RandomResizedCropOptions),
  colorJitter: (config) => colorJitter(config),
  randomErasing: (config) => randomErasing(config),
  randAugment: (config) => randAugment(config),
};

export const isImageTransformName = (name: string): name is ImageTransformName =>
  (imageTransforms as readonly string[]).includes(name);

/**
 * Makes a transform from the `name` and the `config` of another.
 *
 * @throws RangeError for a name that is none of this package's, an option that it does not have, or a value out of
 *   range
 */
export function createImageTransform(name: string, config: TransformConfig): ImageTransform {
  if (!isImageTransformName(name)) {
    throw new RangeError(
      `"${name}" is none of this package's image transforms, which are ${imageTransforms.join(', ')}; give the transform itself`,
    );
  }
  const made = makers[name](config);
  const option = Object.keys(config).find((key) => !Object.hasOwn(made.config, key));
  if (option !== undefined) throw new RangeError(`${name} has no option "${option}"`);
  return made;
}

/** A transform by name and options. */
export interface StoredTransform {
  readonly name: string;
  readonly config: TransformConfig;
}

/** A list of transforms as a checkpoint keeps it: a crop and a flip, in this order, as it always has. */
export type StoredAugmentation = CropAndFlip | readonly StoredTransform[];

/** What a checkpoint keeps of a list of transforms. */
export function storedAugmentation(transforms: readonly ImageTransform[]): StoredAugmentation {
  return cropAndFlip(transforms) ?? storedTransforms(transforms);
}

export function storedTransforms(transforms: readonly ImageTransform[]): StoredTransform[] {
  return transforms.map(({ name, config }) => ({ name, config }));
}

/**
 * The transforms that a checkpoint describes.
 *
 * @param own transforms that are not this package's, found by their names and options
 * @throws RangeError for one that is neither this package's nor among these
 */
export function transformsOf(
  stored: StoredAugmentation,
  own: readonly ImageTransform[] = [],
): ImageTransform[] {
  if ('cropPadding' in stored) {
    const { cropPadding, horizontalFlip } = stored;
    return [
      ...(cropPadding > 0 ? [randomCrop({ padding: cropPadding })] : []),
      ...(horizontalFlip ? [randomHorizontalFlip()] : []),
    ];
  }
  return stored.map(
    ({ name, config }) =>
      own.find((one) => one.name === name && JSON.stringify(one.config) === JSON.stringify(config)) ??
      createImageTransform(name, config),
  );
}

/** Of a list that is a crop and a flip, or one of them, or nothing: how it crops and flips. */
export function cropAndFlip(transforms: readonly ImageTransform[]): CropAndFlip | undefined {
  const rest = [...transforms];
  const crop = next('randomCrop');
  const flip = next('randomHorizontalFlip');
  if (rest.length > 0) return undefined;
  return { cropPadding: Number(crop?.config.padding ?? 0), horizontalFlip: flip !== undefined };

  function next(name: ImageTransformName): ImageTransform | undefined {
    const first = rest.at(0);
    // A border that is mirrored is another crop.
    const plain = first?.name === name && !('paddingMode' in first.config) && isKnown(first);
    return plain ? rest.shift() : undefined;
  }
}

/**
 * Checks a list of transforms, which JavaScript may give in any form.
 *
 * @param option what the list is called
 * @throws RangeError naming what is none, and one of your own that has the name of one of this package's
 */
export function checkTransforms(option: string, transforms: readonly ImageTransform[]): void {
  if (!Array.isArray(transforms)) {
    throw new RangeError(
      `${option} must be a list of transforms, such as [randomCrop({ padding: 4 }), randomHorizontalFlip()]`,
    );
  }
  (transforms as unknown[]).forEach((each, position) => {
    const place = `${option}[${position}]`;
    const one = each as Partial<ImageTransform> | null | undefined;
    if (typeof one?.name !== 'string' || typeof one.config !== 'object' || typeof one.apply !== 'function') {
      throw new RangeError(`${place} must be a transform, an object { name, config, apply }`);
    }
    if (isImageTransformName(one.name) && !isKnown(one as ImageTransform)) {
      throw new RangeError(
        `${place} is called ${one.name}, which is the name of a transform of this package; choose another for your own`,
      );
    }
  });
}
