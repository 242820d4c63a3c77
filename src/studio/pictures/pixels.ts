/** From the bytes of a picture to its pixels, by the browser's own decoders. */
import type { RawPicture } from '../../data/raw-picture.js';

/** Photographs of more pixels would take gigabytes; browsers' canvases end there, too. */
const MOST_PIXELS = 16384 * 16384;

/** @throws Error for what the browser cannot decode, saying what to give instead */
export async function bitmapOf(blob: Blob): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch (cause) {
    throw new Error('not an image that this browser can read; give a JPEG, PNG or WebP file', { cause });
  }
  if (bitmap.width * bitmap.height <= MOST_PIXELS) return bitmap;
  bitmap.close();
  throw new Error('larger than 268 megapixels; give a smaller version');
}

/** The pixels of a bitmap scaled to a size, which is closed. */
export function drawn(bitmap: ImageBitmap, width = bitmap.width, height = bitmap.height): ImageData {
  try {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
}

export async function pixelsOf(blob: Blob): Promise<RawPicture> {
  return drawn(await bitmapOf(blob));
}

/** As a file; as PNG where the browser does not write WebP. */
export function encoded(pixels: ImageData, format: 'webp' | 'png'): Promise<Blob> {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return canvas.convertToBlob({ type: `image/${format}`, ...(format === 'webp' && { quality: 0.92 }) });
}
