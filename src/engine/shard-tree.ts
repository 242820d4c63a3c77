/**
 * The tree in which the sums of shards are added, whoever computes them: the sum over several shards is that over the
 * first half of them (the larger one, where they are odd) plus that over the second.
 */
import type { Interval } from './process-group.js';

/** Where shards are cut in two. */
export function middleOf([from, to]: Interval): number {
  return from + Math.ceil((to - from) / 2);
}

/**
 * The sums of the tree that need only certain shards, as few as there are.
 *
 * @param own the shards that are there
 * @param whole of the tree, or of a part of it
 */
export function ownSums(own: Interval, whole: Interval): Interval[] {
  const [from, to] = whole;
  if (to <= own[0] || from >= own[1]) return [];
  if (from >= own[0] && to <= own[1]) return [whole];
  const middle = middleOf(whole);
  return [...ownSums(own, [from, middle]), ...ownSums(own, [middle, to])];
}

/**
 * Adds up a tree.
 *
 * @param leaf what is there of some shards already; undefined where they have to be added
 * @param add adds the second to the first, and gives it
 */
export function addTree<T>(
  whole: Interval,
  leaf: (shards: Interval) => T | undefined,
  add: (left: T, right: T) => T,
): T {
  const found = leaf(whole);
  if (found !== undefined) return found;
  const middle = middleOf(whole);
  return add(addTree([whole[0], middle], leaf, add), addTree([middle, whole[1]], leaf, add));
}
