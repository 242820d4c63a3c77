/** Images of a batch in a page. */
import sharp from 'sharp';
import type { ImageShape } from '../data/dataset.js';
import { escapeXml } from './chart.js';

/** For pages that show many images side by side, in a `<div class="sheet">`. */
export const sheetStyle = `<style>
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:14px 10px;margin:16px 0}
.sheet figure{container-type:normal}
.sheet img{display:block;width:100%;height:auto}
.sheet img.small{image-rendering:pixelated}
.sheet figcaption{font-size:.8rem;overflow-wrap:anywhere}
</style>`;

/**
 * One image with lines of text below it.
 *
 * @param data uint8 [channels, height, width]
 * @param title shown when one points at it
 */
export async function imageFigure(
  data: Uint8Array,
  shape: ImageShape,
  lines: readonly string[],
  title?: string,
): Promise<string> {
  const [, height, width] = shape;
  const uri = await dataUri(data, shape);
  const hint = title === undefined ? '' : ` title="${escapeXml(title)}"`;
  const small = width < 128 ? ' class="small"' : '';
  const caption = lines.map(escapeXml).join('<br>');
  return `<figure${hint}><img src="${uri}" width="${width}" height="${height}"${small} alt="${escapeXml(lines[0])}"><figcaption>${caption}</figcaption></figure>`;
}

async function dataUri(data: Uint8Array, [channels, height, width]: ImageShape): Promise<string> {
  const area = height * width;
  const pixels = new Uint8Array(area * 3);
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = data[Math.min(i % 3, channels - 1) * area + Math.floor(i / 3)];
  }
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
