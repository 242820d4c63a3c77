/** The third step: training, live. */
import type { JSX } from 'preact';
import { correlation, mean } from '../../compare/statistics.js';
import { methodNames } from '../settings.js';
import { EngineNote } from './engine.js';
import { Filters } from './filters.js';
import { LineChart } from './line-chart.js';
import { duration, percent } from './parts.js';
import {
  type LaneView,
  type Point,
  type RunView,
  doing,
  drawn,
  run,
  savedStep,
  secondsLeft,
  speed,
  standing,
  status,
  step,
  trainingProblem,
} from './run.js';
import { Scatter } from './scatter.js';
import { attempt, beginRun, count, goTo, noTraining, settings, workers } from './state.js';

export function TrainPage() {
  const view = run.value;
  if (doing.value !== null && !(view && status.value === 'running')) return <Working what={doing.value} />;
  if (!view) return <Begin />;
  return <Running view={view} />;
}

function Working({ what }: { readonly what: string }) {
  return (
    <section class="hero">
      <h1>Train</h1>
      <p class="working" role="status">
        <span class="pulse" aria-hidden="true" /> {what}
      </p>
    </section>
  );
}

function Begin() {
  const obstacle = noTraining.value;
  const race = settings.value.racing === 'race';
  return (
    <section class="hero">
      <h1>Train</h1>
      {obstacle === undefined ? (
        <>
          <p class="lead">
            {race
              ? 'Vanilla and TrAct begin with the same weights and see the same batches, taking turns. Watch which of them learns faster, and why.'
              : 'Watch the curves, the first layer’s filters, and how far every update moves each image.'}
          </p>
          <button type="button" class="primary large" onClick={() => void beginRun()}>
            {race ? 'Start the race' : 'Start training'}
          </button>
          <p class="muted">
            It trains in a worker: the page stays quick, and you may close the tab and come back.
          </p>
        </>
      ) : (
        <>
          <p class="lead">{obstacle}</p>
          <button
            type="button"
            class="primary large"
            onClick={() => {
              goTo('pictures');
            }}
          >
            Go to the pictures
          </button>
        </>
      )}
    </section>
  );
}

function Running({ view }: { readonly view: RunView }) {
  const version = drawn.value;
  const race = view.lanes.length > 1;
  return (
    <>
      <h1>{race ? 'The race' : `Training with ${methodNames[view.lanes[0].method]}`}</h1>
      <p class="muted facts">
        {view.modelName} with {view.parameters.toLocaleString('en')} parameters ·{' '}
        {count(view.trainImages, 'training picture')} · {count(view.testImages, 'test picture')} ·{' '}
        {count(view.classNames.length, 'class').replace('classs', 'classes')}
      </p>
      <EngineNote engine={view.engine} />
      {view.spec.data.kind === 'none' ? (
        <p class="note">{view.spec.data.reason}</p>
      ) : (
        <Controls view={view} />
      )}
      {trainingProblem.value !== null && (
        <p class="problem" role="alert">
          {trainingProblem.value}
        </p>
      )}
      {view.lanes.map(({ method, diverged }) =>
        diverged === undefined ? null : (
          <p key={method} class="problem" role="alert">
            {methodNames[method]}: {diverged}. Choose a lower learning rate under Model, and begin a new run.
          </p>
        ),
      )}
      {race && <Verdict view={view} />}
      <Figures view={view} />
      <div class="charts">
        <section>
          <h2>Accuracy on test pictures</h2>
          <AccuracyChart view={view} version={version} />
        </section>
        <section>
          <h2>Loss in training</h2>
          <LossChart view={view} version={version} />
        </section>
      </div>
      <Updates view={view} version={version} />
      <section>
        <h2>The first layer’s filters</h2>
        <p class="muted">
          What the first layer looks for: each tile is one filter, from noise to edges and colours.
        </p>
        <div class="filter-pair">
          {view.lanes.map((lane) => (
            <figure key={lane.method}>
              <Filters filters={lane.filters} label={methodNames[lane.method]} version={version} />
              <figcaption>
                <Swatch method={lane.method} /> {methodNames[lane.method]}
              </figcaption>
            </figure>
          ))}
        </div>
        {view.lanes[0].filters === undefined && <p class="muted">They are shown with the next step.</p>}
      </section>
    </>
  );
}

export function Swatch({ method }: { readonly method: LaneView['method'] }): JSX.Element {
  return <span class={`swatch ${method}`} aria-hidden="true" />;
}

function Controls({ view }: { readonly view: RunView }) {
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
            {now === 'paused' && ' · paused'}
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

/** What the race shows so far, in one sentence. */
function Verdict({ view }: { readonly view: RunView }) {
  const found = standing(view);
  const over = status.value === 'finished';
  if (!found) return <p class="verdict waiting">{withoutSpeedup(view, over)}</p>;
  const { accuracy, vanilla, tract, speedup } = found;
  return (
    <p class="verdict">
      <b>{speedup.toFixed(1)}×</b>{' '}
      <span>
        {over ? 'Vanilla ends at' : 'Vanilla is now at'} {percent(accuracy)}, after {Math.round(vanilla)}{' '}
        steps. TrAct was there after {Math.round(tract)}.
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

function Figures({ view }: { readonly view: RunView }) {
  return (
    <div class="tiles">
      {view.lanes.map((lane) => {
        const accuracy = lane.accuracies.at(-1);
        return (
          <div key={lane.method} class="tile">
            <h3>
              <Swatch method={lane.method} /> {methodNames[lane.method]}
            </h3>
            <p class="big">{accuracy ? percent(accuracy.value) : '–'}</p>
            <p class="muted">
              on test pictures{accuracy && `, step ${accuracy.step}`}
              <br />
              loss {smooth(lane.losses).at(-1)?.value.toFixed(3) ?? '–'} in training
            </p>
          </div>
        );
      })}
    </div>
  );
}

const curvesOf = (view: RunView, points: (lane: LaneView) => readonly Point[]) =>
  view.lanes.map((lane) => ({
    label: methodNames[lane.method],
    colour: lane.method,
    points: points(lane),
    dashed: lane.method === 'vanilla' && view.lanes.length > 1,
  }));

function AccuracyChart({ view, version }: { readonly view: RunView; readonly version: number }) {
  const last = view.lanes.map(
    ({ method, accuracies }) =>
      `${methodNames[method]} ${accuracies.at(-1) ? percent(accuracies.at(-1)!.value) : 'not yet'}`,
  );
  return (
    <>
      <LineChart
        curves={curvesOf(view, ({ accuracies }) => accuracies)}
        x="step"
        y="accuracy"
        xEnd={view.steps}
        yRange={[0, 1]}
        format={(value) => `${Math.round(100 * value)} %`}
        dots
        summary={`Accuracy on the test pictures over the steps. ${last.join(', ')}.`}
        version={version}
      />
      <Legend view={view} />
    </>
  );
}

function LossChart({ view, version }: { readonly view: RunView; readonly version: number }) {
  const curves = curvesOf(view, ({ losses }) => smooth(losses));
  const last = curves.map(({ label, points }) => `${label} ${points.at(-1)?.value.toFixed(2) ?? 'not yet'}`);
  return (
    <>
      <LineChart
        curves={curves}
        x="step"
        y="loss, mean of ten steps"
        xEnd={view.steps}
        format={(value) => String(Number(value.toFixed(2)))}
        summary={`Loss of the training batches over the steps, mean of ten. ${last.join(', ')}.`}
        version={version}
      />
      <Legend view={view} />
    </>
  );
}

function Legend({ view }: { readonly view: RunView }) {
  return (
    <ul class="legend">
      {view.lanes.map(({ method }) => (
        <li key={method}>
          <Swatch method={method} /> {methodNames[method]}
        </li>
      ))}
    </ul>
  );
}

const WINDOW = 10;

/** The mean over the last ten steps. */
function smooth(points: readonly Point[]): Point[] {
  let sum = 0;
  return points.map(({ step: at, value }, i) => {
    sum += value;
    if (i >= WINDOW) sum -= points[i - WINDOW].value;
    return { step: at, value: sum / Math.min(i + 1, WINDOW) };
  });
}

/** The picture that explains the method. */
function Updates({ view, version }: { readonly view: RunView; readonly version: number }) {
  if (view.unwatched !== undefined) {
    return (
      <section>
        <h2>How far each update moves each image</h2>
        <p class="muted">This model has no single first layer to look at: {view.unwatched}.</p>
      </section>
    );
  }
  const seen = view.lanes.flatMap((lane) => (lane.images ? [{ lane, images: lane.images }] : []));
  const relative = seen.map(({ lane, images }) => {
    const middle = mean(Array.from(images.moved)) || 1;
    return { lane, images, moved: Array.from(images.moved, (value) => value / middle) };
  });
  const sets = (statistic: 'brightness' | 'contrast') =>
    relative.map(({ lane, images, moved }) => ({
      label: methodNames[lane.method],
      colour: lane.method,
      x: images[statistic],
      y: moved,
    }));
  const zero = seen[0]?.images.zero ?? 0.5;
  const brightness = relative.map(({ lane, images, moved }) => {
    const distance = images.brightness.map((value) => Math.abs(value - zero));
    return { method: lane.method, r: correlation(distance, moved) };
  });
  const contrast = relative.map(({ lane, images, moved }) => ({
    method: lane.method,
    r: correlation([...images.contrast], moved),
  }));
  const y = '‖Δz‖ (mean = 1)';
  return (
    <section>
      <h2>How far the last update moved each image</h2>
      <p class="muted">
        Every dot is an image of the batch. Its height says how far the update of the first layer moved what
        that layer makes of it. In vanilla training images far from average brightness outweigh the others:
        the dots form a V. TrAct evens that out.
      </p>
      {seen.length === 0 ? (
        <p class="muted">It is shown with the next step.</p>
      ) : (
        <div class="charts">
          <div>
            <h3>Against brightness</h3>
            <Scatter
              sets={sets('brightness')}
              x="brightness of the image"
              y={y}
              xRange={[0, 1]}
              yEnd={3}
              mark={{ at: zero, label: 'average' }}
              summary={`How far each image was moved, against its brightness. ${words(brightness, 'distance from average brightness')}`}
              version={version}
            />
            <Correlations of={brightness} what="distance from average brightness" />
          </div>
          <div>
            <h3>Against contrast</h3>
            <Scatter
              sets={sets('contrast')}
              x="contrast of the image"
              y={y}
              xRange={[0, 0.5]}
              yEnd={3}
              summary={`How far each image was moved, against its contrast. ${words(contrast, 'contrast')}`}
              version={version}
            />
            <Correlations of={contrast} what="contrast" />
          </div>
        </div>
      )}
    </section>
  );
}

type Correlation = { readonly method: LaneView['method']; readonly r: number };

const words = (of: readonly Correlation[], what: string): string =>
  of.map(({ method, r }) => `${methodNames[method]}: correlation with ${what} ${rounded(r)}.`).join(' ');

const rounded = (r: number): string => (Number.isFinite(r) ? r.toFixed(2).replace('-', '−') : 'undefined');

function Correlations({ of, what }: { readonly of: readonly Correlation[]; readonly what: string }) {
  return (
    <p class="legend">
      <span>Correlation with {what}:</span>
      {of.map(({ method, r }) => (
        <span key={method}>
          <Swatch method={method} /> {methodNames[method]} <b class="figure">{rounded(r)}</b>
        </span>
      ))}
    </p>
  );
}
