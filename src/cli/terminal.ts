/**
 * The way from this command to the terminal, and the only one: what it prints may hold names from files and from the
 * command line, and those must neither steer the terminal nor fill it.
 */

/** The most characters of a line: twenty lines of an ordinary terminal. */
const LONGEST_LINE = 1600;

/**
 * What a terminal obeys instead of showing it: control characters (C0, C1, newlines), format characters (marks that
 * turn the direction of the text, zero widths, tags), separators of lines and halves of surrogate pairs. The two
 * joiners of letters stay: scripts and emoji need them.
 */
const unseen = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A character as JSON writes it, such as `\u001b`. */
const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');

/** At most so many characters; what is too much is taken from the middle. */
function bounded(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const half = (longest - 1) >> 1;
  // Not between the halves of a surrogate pair.
  const head = text.slice(0, half).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(-half).replace(/^[\udc00-\udfff]/, '');
  return `${head}…${tail}`;
}

/**
 * A text in one line, safe to print: characters that would steer the terminal are written as `\u001b`, and of a long
 * text the beginning and the end are left.
 */
export function visible(text: string, longest = LONGEST_LINE): string {
  // Shortened first, so that not all of a very long text is looked at, and again for what the escapes have added.
  return bounded(bounded(text, longest).replace(unseen, escaped), longest);
}

/** Prints lines on stdout. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** Prints lines on stderr. */
export function note(...lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** Prints a line on stderr in the place of the one before; `note('')` ends it. */
export function noteInPlace(line: string): void {
  process.stderr.write(`\r${visible(line)} `);
}

/** Prints a line of JSON on stdout, complete: nothing is shortened, and the escapes are JSON's own. */
export function printJson(event: object): void {
  process.stdout.write(`${JSON.stringify(event).replace(unseen, escaped)}\n`);
}
