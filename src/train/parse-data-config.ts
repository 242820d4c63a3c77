/** The part of a configuration that says which images, read from a file: checked before it is believed. */
import type { FolderConfig } from '../data/folder/folder-config.js';
import { LARGEST_OPTION } from './described.js';
import {
  type StoredTransform,
  createImageTransform,
  isImageTransformName,
} from '../data/image-transforms.js';
import * as check from './json-check.js';
import type { DataConfig } from './run-config.js';
import { building } from './run-parts.js';
import { describedAt, json } from './described.js';

/** @param trainImages its entry of that name, which has been checked */
export function parseDataConfig(data: Readonly<Record<string, unknown>>, trainImages: number): DataConfig {
  return {
    name: check.text(data.name, 'data.name'),
    classNames: check.list(data.classNames, 'data.classNames', check.text),
    trainImages,
    ...parseValidation(data),
    ...(data.folder !== undefined && { folder: parseFolder(data.folder) }),
    testImages: check.integer(data.testImages, 'data.testImages', 1),
    mean: check.list(data.mean, 'data.mean', parseMean),
    deviation: check.list(data.deviation, 'data.deviation', parseDeviation),
    ...(data.preprocessing !== undefined && {
      preprocessing: check.list(data.preprocessing, 'data.preprocessing', parseTransform),
    }),
    ...(data.evaluation !== undefined && {
      evaluation: check.list(data.evaluation, 'data.evaluation', parseTransform),
    }),
  };
}

/** What a rounding error may add to the mean of white images. */
const ROUNDING = 1e-6;

/** Of pixel values from 0 to 1. */
function parseMean(value: unknown, place: string): number {
  return check.numberIn(
    value,
    place,
    'a number from 0 to 1',
    (mean) => mean >= -ROUNDING && mean <= 1 + ROUNDING,
  );
}

/** Of pixel values from 0 to 1, which are divided by it in float32: it has to be a normal number there. */
function parseDeviation(value: unknown, place: string): number {
  return check.numberIn(
    value,
    place,
    'a number above 0 and at most 1',
    (deviation) => Math.fround(deviation) >= 2 ** -126 && deviation <= 1,
  );
}

/** Configurations of runs without validation images have neither entry. */
function parseValidation({
  validationImages,
  setAside,
}: Readonly<Record<string, unknown>>): Pick<DataConfig, 'validationImages' | 'setAside'> {
  if (validationImages === undefined && setAside === undefined) return {};
  const images = { validationImages: check.integer(validationImages, 'data.validationImages', 1) };
  if (setAside === undefined) return images;
  const { share, seed } = check.record(setAside, 'data.setAside');
  const part = check.number(share, 'data.setAside.share');
  if (!(part > 0 && part < 1)) {
    throw new check.CheckpointError(`data.setAside.share must be above 0 and below 1, but is ${part}`);
  }
  return {
    ...images,
    setAside: { share: part, seed: check.integer(seed, 'data.setAside.seed', Number.MIN_SAFE_INTEGER) },
  };
}

function parseFolder(value: unknown): FolderConfig {
  const { path, size, decoding, drawn, fingerprint } = check.record(value, 'data.folder');
  const { channels, background, cover, cut } = check.record(decoding, 'data.folder.decoding');
  return {
    path: check.text(path, 'data.folder.path'),
    size: parseSides(size, 'data.folder.size'),
    decoding: {
      channels: check.integer(channels, 'data.folder.decoding.channels', 1, 3) === 1 ? 1 : 3,
      cover: parseSides(cover, 'data.folder.decoding.cover'),
      cut: check.flag(cut, 'data.folder.decoding.cut'),
      background: parseColour(background, 'data.folder.decoding.background'),
    },
    drawn: check.nullable(drawn, 'data.folder.drawn', (draw, place) => {
      const { share, seed } = check.record(draw, place);
      return {
        share: check.numberIn(
          share,
          `${place}.share`,
          'a number above 0 and at most 1',
          (part) => part > 0 && part <= 1,
        ),
        seed: check.integer(seed, `${place}.seed`, Number.MIN_SAFE_INTEGER),
      };
    }),
    fingerprint: check.text(fingerprint, 'data.folder.fingerprint'),
  };
}

function parseSides(value: unknown, place: string): readonly [height: number, width: number] {
  const sides = check.list(value, place, (side, where) => check.integer(side, where, 1, LARGEST_OPTION));
  if (sides.length === 2) return [sides[0], sides[1]];
  throw new check.CheckpointError(`${place} must be height and width, but has ${sides.length} numbers`);
}

function parseColour(value: unknown, place: string): string {
  const colour = check.text(value, place);
  if (/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  throw new check.CheckpointError(`${place} must be a colour such as #ffffff`);
}

/** A transform of a name that this package does not know is its user's own, and is left to them. */
export function parseTransform(value: unknown, place: string): StoredTransform {
  const stored = describedAt(value, place, json);
  if (isImageTransformName(stored.name))
    building(place, () => createImageTransform(stored.name, stored.config));
  return stored;
}
