/** Hashes of decoded pictures. */
import { createHash } from 'node:crypto';
import { HASH_BYTES } from './scan.js';

/** The hash of a picture as it was decoded: equal for equal pixels of equal size. */
export function pixelHash(data: Uint8Array, height: number, width: number): Uint8Array {
  return createHash('sha256').update(`${height} ${width} `).update(data).digest().subarray(0, HASH_BYTES);
}
