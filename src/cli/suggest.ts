/** Guessing what was meant by a word that is none of those there are. */

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to another. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (__, j) => i + j),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      rows[i][j] = Math.min(
        rows[i - 1][j] + 1,
        rows[i][j - 1] + 1,
        rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.length][b.length];
}

/** The nearest of the words, unless none is near: more than two in five letters differ. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const plain = word.toLowerCase();
  return words
    .filter((candidate) => {
      // A difference in length is that many changes at least; a long text is not compared letter by letter.
      const lengths = [word.length, candidate.length];
      return Math.max(...lengths) - Math.min(...lengths) <= 0.4 * Math.max(...lengths);
    })
    .map((candidate) => ({ candidate, changes: distance(plain, candidate.toLowerCase()) }))
    .filter(({ candidate, changes }) => changes <= 0.4 * Math.max(word.length, candidate.length))
    .sort((a, b) => a.changes - b.changes)
    .at(0)?.candidate;
}
