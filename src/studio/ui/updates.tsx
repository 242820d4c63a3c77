/** How far an update has moved each image: the picture that explains the method. */
import { correlation, mean } from '../../compare/statistics.js';
import { methodNames } from '../settings.js';
import { Swatch } from './lanes.js';
import type { LaneView, RunView } from './run.js';
import { Scatter } from './scatter.js';

/** The picture that explains the method. */
export function Updates({ view, version }: { readonly view: RunView; readonly version: number }) {
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
        the dots form a V. TrAct evens that out. Images of more contrast tend to move further under any
        update. Dots at the upper edge would be above it.
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

const rounded = (r: number): string => (Number.isFinite(r) ? r.toFixed(2).replace('-', '−') : '–');

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
