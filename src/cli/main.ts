#!/usr/bin/env node
/** The command `tract`. */
import { failureOf } from './errors.js';
import type { MpiGroup } from '../mpi/mpi-group.js';
import { watchOutput } from './interruption.js';
import { createProgram } from './program.js';
import { connectRanks, failAsRank } from './ranks.js';

watchOutput();
let group: MpiGroup | undefined;
try {
  group = await connectRanks();
  await createProgram((code) => {
    process.exitCode = code;
  }, group).parseAsync();
  await group?.close();
} catch (error) {
  const failure = failureOf(error);
  process.exitCode = failure.exitCode;
  // The help that was asked for is no failure.
  if (failure.exitCode === 0) await group?.close();
  else await failAsRank(error, failure, group);
}
