/** The third step: training, live. */
import { methodNames } from '../settings.js';
import { Controls } from './controls.js';
import { AccuracyChart, Figures, LossChart } from './curves.js';
import { EngineNote } from './engine.js';
import { Filters } from './filters.js';
import { GoOn } from './go-on.js';
import { Swatch } from './lanes.js';
import { Busy, Hero, Problem } from './parts.js';
import { type RunView, doing, drawn, run, status, trainingProblem } from './run.js';
import { beginRun, count, noTraining, settings } from './state.js';
import { Updates } from './updates.js';
import { Verdict } from './verdict.js';

export function TrainPage() {
  const view = run.value;
  if (doing.value !== null && !(view && status.value === 'running'))
    return (
      <Hero title="Train">
        <Busy>{doing.value}</Busy>
      </Hero>
    );
  if (!view) return <Begin />;
  return <Running view={view} />;
}

function Begin() {
  const obstacle = noTraining.value;
  const race = settings.value.racing === 'race';
  if (obstacle !== undefined) {
    return (
      <Hero title="Train" lead={obstacle}>
        <GoOn to="pictures">Go to the pictures</GoOn>
      </Hero>
    );
  }
  return (
    <Hero
      title="Train"
      lead={
        race
          ? 'Vanilla and TrAct begin with the same weights and see the same batches, taking turns. Watch which of them learns faster, and why.'
          : 'Watch the curves, the first layer’s filters, and how far every update moves each image.'
      }
    >
      <button type="button" class="primary large" onClick={() => void beginRun()}>
        {race ? 'Start the race' : 'Start training'}
      </button>
      <p class="muted">
        It trains in a worker: the page stays quick, and you may close the tab and come back.
      </p>
    </Hero>
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
      {trainingProblem.value !== null && <Problem>{trainingProblem.value}</Problem>}
      {view.lanes.map(({ method, diverged }) =>
        diverged === undefined ? null : (
          <Problem key={method}>
            {methodNames[method]}: {diverged}. Choose a lower learning rate under Model, and begin a new run.
          </Problem>
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
