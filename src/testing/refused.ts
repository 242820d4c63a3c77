/** What the command says to command lines that it refuses, in the process of the test: dozens of them in a second. */
import type { TestContext } from 'node:test';
import { failureOf } from '../cli/errors.js';
import { createProgram } from '../cli/program.js';
import { failAsRank } from '../cli/ranks.js';
import type { Outcome } from './command.js';

/** The outcome of a line without quotes, as if it had been typed. */
export async function outcomeHere({ mock }: TestContext, line: string): Promise<Outcome> {
  const outcome = { code: 0, stdout: '', stderr: '' };
  const listening = (['stdout', 'stderr'] as const).map((stream) => {
    const write = process[stream].write.bind(process[stream]);
    return mock.method(process[stream], 'write', (text: string | Uint8Array): boolean => {
      // Bytes are what the test runner tells its parent.
      if (typeof text !== 'string') return write(text);
      outcome[stream] += text;
      return true;
    });
  });
  try {
    const program = createProgram((code) => {
      outcome.code = code;
    });
    await program.parseAsync(line.split(' '), { from: 'user' });
  } catch (error) {
    const failure = failureOf(error);
    outcome.code = failure.exitCode;
    await failAsRank(error, failure, undefined);
  } finally {
    for (const { mock: each } of listening) each.restore();
  }
  return outcome;
}
