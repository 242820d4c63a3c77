/** What a picture's file is by its first bytes, as far as the command reads it. */

/** The ending that the command knows it by; undefined for what the browser alone may read: BMP, HEIC and others. */
export function commandEnding(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith('\x89PNG')) return 'png';
  if (head.startsWith('\xff\xd8')) return 'jpg';
  if (head.startsWith('GIF8')) return 'gif';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'webp';
  return /^.{4}ftypavi[fs]$/s.test(head) ? 'avif' : undefined;
}
