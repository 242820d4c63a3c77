/** How pictures become the images of a run, as far as a file of its model can do the same. */
import { sides } from '../data/transform-options.js';
import type { Model } from '../nn/model.js';
import { sameShape } from '../tensor/tensor.js';
import type { PictureResizing } from './resizing.js';
import type { DataConfig } from './run-config.js';

/** @returns `unknown` with the transform that is not written into a file, where its images went through one in evaluation */
export function resizingOf(
  { imageShape }: Pick<Model, 'imageShape'>,
  { folder, evaluation = [] }: DataConfig,
): PictureResizing | { readonly unknown: string } {
  const [, ...size] = imageShape;
  // Images that come from no files are scaled as `predict` scales a picture.
  if (!folder) return { cover: size, cut: true };
  const other = evaluation.find(
    ({ name, config }) => name !== 'centerCrop' || !sameShape(sides('size', config.size as number), size),
  );
  if (other) return { unknown: other.name };
  const { cover, cut } = folder.decoding;
  return { cover, cut };
}
