/** A short value that tells bytes apart. */

/**
 * 64 bits, as two words, that differ for bytes that differ, but for chance: enough to find what is not meant to differ,
 * and no protection against whoever means it.
 */
export function digest(bytes: Uint8Array): Int32Array {
  let [a, b] = [0x811c9dc5, 0x9e3779b9 ^ bytes.length];
  const mix = (word: number): void => {
    a = Math.imul(a ^ word, 0x85ebca6b);
    a ^= a >>> 13;
    b = Math.imul(b + word, 0xc2b2ae35);
    b = (b << 15) | (b >>> 17);
  };
  // Words are read where they are aligned.
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Int32Array(buffer, byteOffset, Math.floor(length / 4));
  for (let i = 0; i < words.length; i++) mix(words[i]);
  for (let i = 4 * words.length; i < length; i++) mix(bytes[i]);
  const finished = (word: number): number => {
    const mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    return mixed ^ (mixed >>> 13);
  };
  return Int32Array.of(finished(a), finished(b ^ a));
}
