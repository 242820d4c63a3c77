/** What the race shows so far, in one sentence. */
import { percent } from './parts.js';
import { type RunView, standing, status } from './run.js';

export function Verdict({ view }: { readonly view: RunView }) {
  const found = standing(view);
  const over = status.value === 'finished';
  if (!found) return <p class="verdict waiting">{withoutSpeedup(view, over)}</p>;
  const { accuracy, vanilla, tract, speedup } = found;
  return (
    <p class="verdict">
      <b>{speedup.toFixed(1)}×</b>{' '}
      <span>
        {over ? 'Vanilla ends at' : 'Vanilla is now at'} {percent(accuracy)}, which it first reached after{' '}
        {Math.round(vanilla)} steps. TrAct was there after {Math.round(tract)}.
      </span>
    </p>
  );
}

/** Why there is no speed-up to be told. */
function withoutSpeedup({ lanes, clearlyAbove }: RunView, over: boolean): string {
  const vanilla = lanes.find(({ method }) => method === 'vanilla')?.accuracies.at(-1)?.value ?? 0;
  if (vanilla >= clearlyAbove) {
    return over
      ? 'TrAct has not reached where vanilla ends: on these pictures it gives no speed-up.'
      : 'Vanilla is ahead so far: TrAct is not yet where vanilla is.';
  }
  return over
    ? 'Vanilla ends no better than guessing, so that there is nothing to measure a speed-up by. More pictures or more epochs help.'
    : 'They have just begun: who is ahead is told once vanilla is clearly better than guessing.';
}
