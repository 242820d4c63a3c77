/** The charts of a comparison: learning curves, and steps to targets. */
import type { TopLevelSpec } from 'vega-lite';
import {
  type Chart,
  LEGEND_FONT_SIZE,
  NARROW,
  NUMBER_FORMAT,
  STEP_AXIS,
  WIDE,
  drawChart,
  seriesColour,
  seriesDash,
  seriesOpacity,
} from './chart.js';
import type { Conclusions, VariantResult } from './conclude.js';
import { percent, times } from './words.js';

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

/** A loss of 0 is drawn as this. */
const LEAST_LOSS = 1e-6;

/** Pixels that a line in the legend is long. */
const SYMBOL = 18;

interface Series {
  readonly domain: string[];
  /** The first method, which the others are compared with, is grey. */
  readonly colours: string[];
  readonly dashes: number[][];
  readonly opacities: number[];
  /** Of the legend: as many as fit, by Vega's estimate of how wide letters are. */
  readonly columns: number;
  /** Pixels that the legend takes beyond its first row. */
  readonly legendHeight: number;
}

function series(variants: readonly VariantResult[], width: number): Series {
  const domain = variants.map(({ label }) => label);
  const entryWidth = 48 + 0.8 * LEGEND_FONT_SIZE * Math.max(...domain.map(({ length }) => length));
  const columns = Math.max(1, Math.floor(width / entryWidth));
  return {
    domain,
    colours: variants.map((_, i) => seriesColour(i)),
    dashes: variants.map((_, i) => seriesDash(i)),
    opacities: variants.map((_, i) => seriesOpacity(i)),
    columns,
    legendHeight: (SYMBOL + 2) * (Math.ceil(variants.length / columns) - 1),
  };
}

interface CurveChart {
  readonly name: string;
  readonly figure: 'accuracy' | 'loss';
  readonly title: string;
  readonly description: string;
}

/** Means over the seeds, with bands of one standard deviation. */
function curveChart(conclusions: Conclusions, chart: CurveChart): Promise<Chart> {
  const spec = (width: number): TopLevelSpec => curveSpec(conclusions, chart, width);
  return drawChart(chart.name, chart.description, spec(WIDE), spec(NARROW));
}

function curveSpec(conclusions: Conclusions, { figure, title }: CurveChart, width: number): TopLevelSpec {
  const { variants, targets } = conclusions;
  const { domain, colours, dashes, columns, legendHeight } = series(variants, width);
  const rows = variants.flatMap(({ label, curve }) =>
    curve.map((point) => {
      const { deviation } = point[figure];
      // A logarithmic axis has no place for what is not positive.
      const mean = figure === 'loss' ? Math.max(point.loss.mean, LEAST_LOSS) : point.accuracy.mean;
      return {
        method: label,
        step: point.step,
        mean,
        low: Math.max(mean - (deviation ?? 0), mean / 10),
        high: mean + (deviation ?? 0),
      };
    }),
  );
  // Long enough for its dashes.
  const legend = {
    title: null,
    columns,
    symbolType: 'stroke',
    symbolOpacity: 1,
    symbolSize: SYMBOL ** 2,
  } as const;
  const colour = { field: 'method', type: 'nominal', scale: { domain, range: colours }, legend } as const;
  const dash = { field: 'method', type: 'nominal', scale: { domain, range: dashes }, legend } as const;
  const x = { field: 'step', type: 'quantitative', title: 'training steps', axis: STEP_AXIS } as const;
  // The loss falls by orders of magnitude, and may shoot up in the first steps.
  const scale = figure === 'loss' ? ({ type: 'log', nice: false } as const) : { zero: false, nice: true };
  const axis = figure === 'accuracy' ? { format: '.1~%' } : { format: NUMBER_FORMAT };
  const banded = variants.some(({ curve }) => curve.some((point) => point[figure].deviation !== null));
  const target = figure === 'accuracy' && variants.length > 1 ? targets.at(-1) : undefined;
  const named = width < WIDE ? '' : `${variants[0].label} ends at `; // It would lie on the curves.
  const goal = target && goalLayers(target.accuracy, named + percent(target.accuracy));
  const band: Layer[] = banded
    ? [
        {
          mark: { type: 'area', opacity: 0.18, clip: true },
          encoding: {
            x,
            y: { field: 'low', type: 'quantitative', scale },
            y2: { field: 'high' },
            color: colour,
          },
        },
      ]
    : [];
  const lines: Layer = {
    mark: { type: 'line', strokeWidth: 2.5, clip: true, point: { size: 22, filled: true } },
    encoding: {
      x,
      y: { field: 'mean', type: 'quantitative', title, scale, axis },
      color: colour,
      strokeDash: dash,
    },
  };
  return {
    width,
    height: 320 + legendHeight,
    autosize: { type: 'fit', contains: 'padding' },
    data: { values: rows },
    layer: goal ? [...band, goal.line, lines, ...goal.name] : [...band, lines],
  };
}

/** Where the first method ends: a line below the curves, and its name on top of them. */
function goalLayers(goal: number, text: string): { line: Layer; name: Layer[] } {
  const data = { values: [{ goal, text }] };
  const y = { field: 'goal', type: 'quantitative' } as const;
  const name = (style: object): Layer => ({
    data,
    mark: { type: 'text', align: 'left', baseline: 'bottom', dy: -4, x: 4, fontSize: 13, ...style },
    encoding: { y, text: { field: 'text', type: 'nominal' } },
  });
  return {
    line: { data, mark: { type: 'rule', color: 'var(--muted)', strokeDash: [2, 3] }, encoding: { y } },
    // Letters on a ground of their own, where a curve runs through them.
    name: [
      name({ color: 'var(--surface)', stroke: 'var(--surface)', strokeWidth: 5, strokeJoin: 'round' }),
      name({ color: 'var(--muted)' }),
    ],
  };
}

export function accuracyChart(conclusions: Conclusions): Promise<Chart> {
  return curveChart(conclusions, {
    name: 'accuracy',
    figure: 'accuracy',
    title: `${conclusions.split} accuracy`,
    description: `Accuracy on the ${conclusions.split} images over training steps, a line for each method`,
  });
}

export function lossChart(conclusions: Conclusions): Promise<Chart> {
  return curveChart(conclusions, {
    name: 'loss',
    figure: 'loss',
    title: `${conclusions.split} loss (cross entropy)`,
    description: `Loss on the ${conclusions.split} images over training steps, a line for each method`,
  });
}

/** A bar for each method and target; one that was not reached has an empty bar over the whole run. */
export function targetChart(conclusions: Conclusions): Promise<Chart> {
  return drawChart(
    'steps-to-target',
    `Training steps that each method needed for several ${conclusions.split} accuracies`,
    targetSpec(conclusions, WIDE),
    targetSpec(conclusions, NARROW),
  );
}

function targetSpec({ steps, split, variants, targets }: Conclusions, width: number): TopLevelSpec {
  const { domain, colours, opacities, columns, legendHeight } = series(variants, width);
  // Of targets that read the same the last: two groups of bars in one place would hide each other.
  const shown = targets.filter(({ accuracy }, i) => {
    const next = targets.at(i + 1);
    return next === undefined || percent(next.accuracy) !== percent(accuracy);
  });
  const rows = shown.flatMap(({ accuracy, reached }) =>
    reached.map(({ variant, steps: needed, speedup }, i) => ({
      target: percent(accuracy),
      method: variants.find(({ id }) => id === variant)!.label,
      steps: needed ?? steps,
      reached: needed !== null,
      text:
        needed === null
          ? 'not reached'
          : i === 0 || speedup === null
            ? String(Math.round(needed))
            : `${Math.round(needed)} (${times(speedup)})`,
    })),
  );
  const y = { field: 'target', type: 'nominal', title: `${split} accuracy reached`, sort: null } as const;
  const yOffset = { field: 'method', type: 'nominal', sort: domain } as const;
  const x = {
    field: 'steps',
    type: 'quantitative',
    title: 'training steps needed (fewer is faster)',
    // Room for the figures behind the longest bar.
    scale: { domainMin: 0, domainMax: steps * (1 + 140 / width), nice: false },
    axis: { values: ticks(steps) },
  } as const;
  const legend = { title: null, columns, symbolStrokeWidth: 0 } as const;
  const method = { field: 'method', type: 'nominal' } as const;
  return {
    width,
    // Besides the bars there is room for the legend and the axis.
    height:
      110 + legendHeight + shown.length * (12 + variants.length * Math.max(16, 30 - 4 * variants.length)),
    autosize: { type: 'fit', contains: 'padding' },
    data: { values: rows },
    encoding: { y, yOffset, x },
    layer: [
      {
        mark: { type: 'bar', cornerRadiusEnd: 3 },
        encoding: {
          color: { ...method, scale: { domain, range: colours }, legend },
          opacity: { ...method, sort: domain, scale: { type: 'ordinal', domain, range: opacities }, legend },
          fillOpacity: { condition: { test: 'datum.reached', value: 1 }, value: 0.15 },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 12 },
        encoding: { text: { field: 'text', type: 'nominal' } },
      },
    ],
  };
}

/** Round numbers of steps up to the end of a run. */
function ticks(steps: number): number[] {
  const raw = steps / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const size = Math.max(
    1,
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw)!,
  );
  return Array.from({ length: Math.floor(steps / size) + 1 }, (_, i) => i * size);
}
