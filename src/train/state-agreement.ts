/** The state that several processes have, which has to be the same. */
import type { ProcessGroup } from '../engine/process-group.js';
import type { StateStore } from '../engine/state-store.js';
import { digest } from '../tensor/digest.js';
import type { Tensor } from '../tensor/tensor.js';
import { bytesOfFirst, gathered } from './ranks.js';

/**
 * Compares the state of all processes. Where one has another, which processors of several kinds that round differently
 * lead to, the user is told of the first tensor, and all go on with the state of rank 0.
 */
export async function agreeOnState(group: ProcessGroup, store: StateStore, step: number): Promise<void> {
  const { names } = store;
  const own: number[] = [];
  for (const name of names) own.push(...digest(bytesOf((await store.read([name]))[name])));
  const digests = await gathered(group, Int32Array.from(own));
  const isOther = (rank: number, word: number): boolean => digests[rank][word] !== digests[0][word];
  const rank = digests.findIndex((words, i) => words.some((_, word) => isOther(i, word)));
  if (rank < 0) return;
  const first = names[digests[rank].findIndex((_, word) => isOther(rank, word)) >> 1];
  group.notice(
    `after step ${step} "${first}" of ${group.nameOf(rank)} is not that of rank 0, as where processors of several kinds round differently; all go on with the state of rank 0`,
  );
  for (const name of names) {
    const value = (await store.read([name]))[name];
    const bytes = await bytesOfFirst(group, bytesOf(value));
    if (group.rank > 0) {
      bytesOf(value).set(bytes);
      store.write({ [name]: value });
    }
  }
}

const bytesOf = ({ data }: Tensor): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
