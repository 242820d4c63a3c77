/** The fourth step: what was learned. */
import { methodNames } from '../settings.js';
import { GoOn } from './go-on.js';
import { Guessing } from './guessing.js';
import { LaneChoice, useLane } from './lanes.js';
import { Hero } from './parts.js';
import { type RunView, run, status, step } from './run.js';
import { count } from './state.js';
import { TestPictures } from './test-pictures.js';

export function TryPage() {
  const view = run.value;
  if (!view || (step.value === 0 && view.spec.data.kind !== 'none')) return <NothingYet />;
  return <Trying view={view} />;
}

function NothingYet() {
  return (
    <Hero title="Nothing learned yet" lead="Train for some steps first, or open a run under Take away.">
      <GoOn to="train">Go to training</GoOn>
    </Hero>
  );
}

function Trying({ view }: { readonly view: RunView }) {
  const [lane, setLane] = useLane(view);
  return (
    <>
      <h1>Try it</h1>
      <p class="lead">
        {status.value === 'running'
          ? 'It is still training: answers come between two steps.'
          : `What ${methodNames[view.lanes[lane].method]} has learned after ${count(step.value, 'step')}.`}
      </p>
      <LaneChoice view={view} lane={lane} onChange={setLane} />
      <div class="charts try">
        <Guessing key={lane} lane={lane} />
      </div>
      {view.spec.data.kind === 'none' ? (
        <p class="note">{view.spec.data.reason}</p>
      ) : (
        <TestPictures key={`${lane}/${status.value === 'running' ? '' : step.value}`} lane={lane} />
      )}
    </>
  );
}
