/** The command as one of several processes that a launcher of MPI started. */
import { setTimeout } from 'node:timers/promises';
import { ProcessGroupError } from '../engine/process-group.js';
import { launcherOf } from '../mpi/launcher.js';
import type { MpiGroup } from '../mpi/mpi-group.js';
import { anywhere } from '../train/ranks.js';
import type { Failure } from './errors.js';
import { lastWords, mute, note, toNobody, unsaid } from './terminal.js';

/** Connects the processes; undefined where there is one. Of several, rank 0 alone prints. */
export async function connectRanks(): Promise<MpiGroup | undefined> {
  const launcher = launcherOf(process.env);
  if (!launcher) return undefined;
  // Open MPI's launcher shows ranks a terminal, whatever reads their output.
  toNobody();
  if (launcher.rank > 0) mute();
  // Nobody else needs it.
  const { mpiGroup } = await import('../mpi/connect.js');
  return mpiGroup({ onNotice: note });
}

/** Milliseconds that others have to say first what may be wrong with all of them. */
const PRECEDENCE = 1000;
/** So that of those others one is first; after the tenth it does not matter any more. */
const APART = 50;
const LATEST = 10;

/** Milliseconds that it takes at most until a process is ended by another one. */
const ENDED = 3000;

/** Waits for another process to say what is wrong. @returns whether one does */
async function isSaidElsewhere(group: MpiGroup | undefined, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    if (group?.isEnding()) return true;
    await setTimeout(APART);
  }
  return false;
}

/** Ends all processes because one has failed, which says why: one of them, where it is the same for several. */
export async function failAsRank(
  error: unknown,
  failure: Failure,
  group: MpiGroup | undefined,
): Promise<void> {
  const { rank = 0, localRank = 0 } = launcherOf(process.env) ?? {};
  // What keeps processes from being connected is the same for all on a machine. One that ends may take the others with it.
  if (!group && localRank > 0) {
    await setTimeout(PRECEDENCE);
    return;
  }
  const isOurs = error instanceof ProcessGroupError;
  const turn = isOurs ? error.turn : rank;
  if (turn > 0 && (await isSaidElsewhere(group, PRECEDENCE + APART * Math.min(turn, LATEST)))) {
    // Whoever has said it ends this process, too.
    await setTimeout(ENDED);
    group?.abort(failure.exitCode);
    return;
  }
  // Commander has printed what is wrong with the command line; if not, because this rank does not print.
  const message = failure.message.length > 0 ? failure.message : unsaid();
  if (message.length > 0) {
    const [first, ...others] = message;
    lastWords(isOurs || rank === 0 ? first : `rank ${rank}: ${first}`, ...others);
  }
  group?.abort(failure.exitCode);
}

/** Loads data that one process on each machine may have to download first. */
export async function inTurns<T>(group: MpiGroup, load: () => Promise<T>): Promise<T> {
  const localRank = launcherOf(process.env)?.localRank ?? group.rank;
  const turn = group.rank === 0 ? 0 : localRank === 0 ? 1 : 2;
  const ended = (): Promise<boolean> => anywhere(group, false);
  for (let i = 0; i < turn; i++) await ended();
  const data = await load();
  for (let i = turn; i < 2; i++) await ended();
  return data;
}
