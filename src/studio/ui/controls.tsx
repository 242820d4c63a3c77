/** How far a run is, and what can be done with it. */
import { duration } from './parts.js';
import { type RunView, run, savedStep, secondsLeft, speed, status, step } from './run.js';
import { attempt, goTo, workers } from './state.js';

export function Controls({ view }: { readonly view: RunView }) {
  const now = status.value;
  const at = step.value;
  const share = at / view.steps;
  const { training } = workers();
  return (
    <section class="controls" aria-label="The run">
      <div class="progress-line">
        <progress max={view.steps} value={at} aria-label="Steps made" />
        <p>
          <b>
            Step {at} of {view.steps}
          </b>
          <span class="muted">
            {now === 'running' &&
              secondsLeft.value !== null &&
              ` · about ${duration(secondsLeft.value)} left`}
            {now === 'running' && speed.value !== null && ` · ${Math.round(speed.value)} images/s`}
            {now === 'paused' && (at > 0 ? ' · paused: try it, or take it away, as it is' : ' · paused')}
            {now === 'finished' && ' · finished'}
            {savedStep.value !== null && now !== 'finished' && ` · saved at step ${savedStep.value}`}
          </span>
        </p>
      </div>
      <div class="buttons">
        {now === 'running' && (
          <button type="button" class="primary" onClick={() => void attempt(() => training.pause())}>
            Pause
          </button>
        )}
        {now === 'paused' && (
          <>
            <button type="button" class="primary" onClick={() => void attempt(() => training.run())}>
              {at === 0 ? 'Start' : 'Go on'}
            </button>
            <button type="button" onClick={() => void attempt(() => training.stepOnce())}>
              One step
            </button>
          </>
        )}
        {(now === 'finished' || (now === 'paused' && at > 0)) && (
          <button
            type="button"
            class={now === 'finished' ? 'primary' : ''}
            onClick={() => {
              goTo('try');
            }}
          >
            Try it
          </button>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            const lost =
              now === 'finished' ||
              share === 0 ||
              confirm('Stop this run? What it has learned is lost unless you have taken it away.');
            if (!lost) return;
            void attempt(async () => {
              await training.forget();
              run.value = null;
            });
          }}
        >
          {now === 'finished' ? 'New run' : 'Stop'}
        </button>
      </div>
    </section>
  );
}
