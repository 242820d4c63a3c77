/** The methods of a run: which one is meant, and its colour. */
import { useState } from 'preact/hooks';
import { methodNames } from '../settings.js';
import type { LaneView, RunView } from './run.js';

export function Swatch({ method }: { readonly method: LaneView['method'] }) {
  return <span class={`swatch ${method}`} aria-hidden="true" />;
}

/** TrAct, where there is a choice. */
const usualLane = ({ lanes }: RunView): number =>
  Math.max(
    0,
    lanes.findIndex(({ method }) => method === 'tract'),
  );

/** The lane that is looked at: the usual one unless another is chosen. A run that is opened may have one alone. */
export function useLane(view: RunView): readonly [lane: number, choose: (lane: number) => void] {
  const [chosen, choose] = useState(usualLane(view));
  return [Math.min(chosen, view.lanes.length - 1), choose];
}

export function LaneChoice({
  view,
  lane,
  onChange,
}: {
  readonly view: RunView;
  readonly lane: number;
  readonly onChange: (lane: number) => void;
}) {
  if (view.lanes.length === 1) return null;
  return (
    <fieldset class="segments">
      <legend>Which of the two</legend>
      {view.lanes.map(({ method }, i) => (
        <label key={method} class={lane === i ? 'chosen' : ''}>
          <input
            type="radio"
            name="lane"
            checked={lane === i}
            onChange={() => {
              onChange(i);
            }}
          />
          <Swatch method={method} /> {methodNames[method]}
        </label>
      ))}
    </fieldset>
  );
}
