/** How the pictures of a folder become pixels. */
import type { PictureTarget } from '../decode-picture.js';
import { MOST_RATIO, type PictureDecoding } from './folder-config.js';

/** The size that a picture is decoded to. */
export function decodedSize(
  { cover: [height, width], cut }: Pick<PictureDecoding, 'cover' | 'cut'>,
  rows: number,
  columns: number,
): readonly [height: number, width: number] {
  if (cut) return [height, width];
  const scale = Math.max(height / rows, width / columns);
  const scaled = (side: number, least: number): number =>
    Math.max(least, Math.min(Math.round(side * scale), MOST_RATIO * Math.max(height, width)));
  return [scaled(rows, height), scaled(columns, width)];
}

export function targetOf(decoding: PictureDecoding): PictureTarget {
  const { channels, background } = decoding;
  return { channels, background, size: (rows, columns) => decodedSize(decoding, rows, columns) };
}
