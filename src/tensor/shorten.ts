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
