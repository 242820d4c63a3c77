/** Which of several processes keeps the others waiting. */
import type { ProcessGroup } from '../engine/process-group.js';
import type { StepResult } from './options.js';
import { gathered } from './ranks.js';

/** Steps over which a process is looked at: one slow step is nothing. */
const WINDOW = 20;
/** How many times as long as the others' a step of a slow process takes, and by how many seconds it is longer. */
const FACTOR = 1.5;
const LEAST = 0.01;

/** Looks at the time that each process computes, and tells the user of one that is slow, once while it is. */
export class SlowRanks {
  readonly #group: ProcessGroup;
  #steps = 0;
  #computed = 0;
  #told: number | undefined;

  constructor(group: ProcessGroup) {
    this.#group = group;
  }

  /**
   * To be called after every step, by all processes.
   *
   * @param seconds of the step, waiting included
   */
  async look(
    seconds: number,
    {
      waitingSeconds = 0,
      communicationSeconds = 0,
    }: Pick<StepResult, 'waitingSeconds' | 'communicationSeconds'>,
  ): Promise<void> {
    this.#computed += seconds - waitingSeconds - communicationSeconds;
    if (++this.#steps % WINDOW !== 0) return;
    const times = (await gathered(this.#group, Float64Array.of(this.#computed / WINDOW))).map(([one]) => one);
    this.#computed = 0;
    const slow = slowRank(times);
    if (slow !== undefined && slow.rank !== this.#told) {
      const { rank, own, others } = slow;
      const time = (value: number): string => `${value.toPrecision(2)} s`;
      this.#group.notice(
        `${this.#group.nameOf(rank)} is slow: its part of a step takes ${time(own)}, that of the others ${time(others)}; all wait for it`,
      );
    }
    this.#told = slow?.rank;
  }
}

/** The slowest of several processes, if it is much slower than the others: their median. */
export function slowRank(
  times: readonly number[],
): { readonly rank: number; readonly own: number; readonly others: number } | undefined {
  const own = Math.max(...times);
  const rank = times.indexOf(own);
  const rest = times.filter((_, i) => i !== rank).sort((a, b) => a - b);
  const others = rest[Math.floor((rest.length - 1) / 2)];
  return own > FACTOR * others && own - others > LEAST ? { rank, own, others } : undefined;
}
