/** Many short texts in one piece of memory, which threads share. */
import { allocateShared } from '../shared-memory.js';

/** Texts one behind the other. */
export interface PackedTexts {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  /** Where each ends; it begins where the one before ends. */
  readonly ends: Float64Array;
}

export function packTexts(texts: readonly string[]): PackedTexts {
  const ends = new Float64Array(allocateShared(8 * texts.length).buffer);
  let end = 0;
  texts.forEach((text, i) => (ends[i] = end += Buffer.byteLength(text)));
  const bytes = allocateShared(end);
  const whole = Buffer.from(bytes.buffer);
  texts.forEach((text, i) => whole.write(text, i === 0 ? 0 : ends[i - 1]));
  return { bytes, ends };
}

export function textAt({ bytes, ends }: PackedTexts, index: number): string {
  const start = index === 0 ? 0 : ends[index - 1];
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, ends[index] - start).toString('utf8');
}
