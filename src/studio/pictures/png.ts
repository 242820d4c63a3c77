/** Pixels as PNG files (W3C, third edition): 8 bits a channel, red, green and blue, without loss. */
import { zlibSync } from 'fflate';
import { crc32 } from './zip-reader.js';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

/** @param planes uint8 [3, height, width] */
export function toPng(planes: Uint8Array, width: number, height: number): Uint8Array {
  const area = width * height;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // 8 bits, truecolour; deflate, the five filters, not interlaced.
  header.set([8, 2, 0, 0, 0], 8);
  const rows = new Uint8Array((3 * width + 1) * height);
  for (let y = 0, at = 0; y < height; y++) {
    // The filter of the row: none.
    rows[at++] = 0;
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++) rows[at++] = planes[channel * area + y * width + x];
  }
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(rows, { level: 3 })),
    chunk('IEND', new Uint8Array(0)),
  ];
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    file.set(part, end);
    end += part.length;
  }
  return file;
}
