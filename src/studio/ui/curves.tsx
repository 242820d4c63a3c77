/** Accuracy and loss over the steps. */
import { methodNames } from '../settings.js';
import { Swatch } from './lanes.js';
import { LineChart } from './line-chart.js';
import { lossFigure, percent } from './parts.js';
import type { LaneView, Point, RunView } from './run.js';
import { lastMean, smooth } from './smooth.js';

export function Figures({ view }: { readonly view: RunView }) {
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
              loss {lossFigure(lastMean(lane.losses))} in training
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

export function AccuracyChart({ view, version }: { readonly view: RunView; readonly version: number }) {
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

export function LossChart({ view, version }: { readonly view: RunView; readonly version: number }) {
  const curves = curvesOf(view, ({ losses }) => smooth(losses));
  const last = view.lanes.map(
    ({ method, losses }) => `${methodNames[method]} ${lossFigure(lastMean(losses))}`,
  );
  return (
    <>
      <LineChart
        curves={curves}
        x="step"
        y="loss, mean of ten steps"
        xEnd={view.steps}
        format={(value) => (value < 1000 ? String(Number(value.toFixed(2))) : value.toExponential(0))}
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
