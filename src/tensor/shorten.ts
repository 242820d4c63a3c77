/** Texts from files in messages. */

/** A text of at most `most` characters: what is longer is cut in the middle. */
export function shorten(text: string, most = 80): string {
  if (text.length <= most) return text;
  const kept = most - 1;
  const front = Math.ceil(kept / 2);
  return `${text.slice(0, front)}…${text.slice(text.length - (kept - front))}`;
}

/** A name from a file as a message shows it: in quotes, short, with control characters escaped. */
export function quote(name: string): string {
  return JSON.stringify(shorten(name));
}

/**
 * A value of any kind as a message shows it, at most 80 characters: texts quoted, lists and objects by their kind alone,
 * because those out of a file may be nested without end, or have no text of their own.
 */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return shorten(typeof value === 'string' ? JSON.stringify(value) : String(value));
}
