/** The chart of the rate finder: what a short run ends at, by its learning rate. */
import type { TopLevelSpec } from 'vega-lite';
import type { RateFinding } from '../train/find-lr.js';
import { type Chart, NARROW, NUMBER_FORMAT, WIDE, drawChart } from './chart.js';

/** Loss by learning rate, both logarithmic; rates that diverge are crosses at the top, the suggestion is ringed. */
export function rateChart(finding: RateFinding): Promise<Chart> {
  const { steps, suggestion } = finding;
  const chosen = suggestion ? `; ${suggestion.rate} is suggested` : '';
  const description = `Loss after ${steps} steps by learning rate${chosen}`;
  return drawChart('find-lr', description, spec(finding, WIDE), spec(finding, NARROW));
}

function spec({ results, steps, suggestion }: RateFinding, width: number): TopLevelSpec {
  const finished = results.flatMap(({ rate, loss, error }) =>
    // A logarithmic axis has no place for what is not positive.
    loss === null ? [] : [{ rate, loss: Math.max(loss, 1e-6), error: error ?? 0 }],
  );
  const top = Math.max(...finished.map(({ loss }) => loss), 1e-6);
  const diverged = results.flatMap(({ rate, loss }) => (loss === null ? [{ rate, loss: top }] : []));
  const x = {
    field: 'rate',
    type: 'quantitative',
    title: 'learning rate',
    scale: { type: 'log', nice: false },
  } as const;
  const y = {
    field: 'loss',
    type: 'quantitative',
    title: `loss at the end of ${steps} steps`,
    scale: { type: 'log', nice: false },
    axis: { format: NUMBER_FORMAT },
  } as const;
  const bars = finished.map(({ rate, loss, error }) => ({
    rate,
    loss: Math.max(loss - error, loss / 10),
    high: loss + error,
  }));
  return {
    width,
    height: 280,
    autosize: { type: 'fit', contains: 'padding' },
    layer: [
      {
        data: { values: bars },
        mark: { type: 'rule', color: 'var(--muted)' },
        encoding: { x, y, y2: { field: 'high' } },
      },
      {
        data: { values: finished },
        mark: {
          type: 'line',
          color: 'var(--series-1)',
          strokeWidth: 2.5,
          point: { size: 30, filled: true, color: 'var(--series-1)' },
        },
        encoding: { x, y },
      },
      {
        data: { values: diverged },
        mark: { type: 'point', shape: 'cross', filled: true, angle: 45, size: 90, color: 'var(--series-5)' },
        encoding: { x, y },
      },
      {
        data: { values: finished.filter(({ rate }) => rate === suggestion?.rate) },
        mark: { type: 'point', filled: false, size: 220, strokeWidth: 2, color: 'var(--ink)' },
        encoding: { x, y },
      },
    ],
  };
}
