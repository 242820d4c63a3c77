/** Text from files and from the command line as it may be printed: it must neither steer the terminal nor fill it. */

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

/** Characters that would steer the terminal as JSON writes them; nothing is shortened. */
export const withoutUnseen = (text: string): string => text.replace(unseen, escaped);

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
  return bounded(withoutUnseen(bounded(text, longest)), longest);
}
