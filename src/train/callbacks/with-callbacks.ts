/** A run that callbacks follow. */
import type { TrainingEvent } from '../events.js';
import type { Callback, FitResult } from '../options.js';

/**
 * Follows a run with callbacks: begins all, hands them every event, one after the other, and ends those that were begun.
 *
 * @param follow runs, and tells what happens; what `tell` gives says whether the run is to stop
 * @throws what the run or the first callback throws
 */
export async function withCallbacks(
  callbacks: readonly Callback[],
  follow: (tell: (event: TrainingEvent) => Promise<boolean>) => Promise<FitResult>,
): Promise<FitResult> {
  const begun: Callback[] = [];
  let result: FitResult | undefined;
  try {
    for (const callback of callbacks) {
      begun.push(callback);
      await callback.begin?.();
    }
    result = await follow(async (event) => {
      let stop = false;
      for (const callback of callbacks) stop = (await callback(event)) === 'stop' || stop;
      return stop;
    });
  } catch (error) {
    // What went wrong first is what matters.
    await endAll(begun).catch(() => undefined);
    throw error;
  }
  await endAll(begun, result);
  return result;
}

/** Ends each of them, whatever the others do. @throws what the first of them throws */
async function endAll(callbacks: readonly Callback[], result?: FitResult): Promise<void> {
  const errors: unknown[] = [];
  for (const { end } of callbacks) {
    try {
      await end?.(result);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
