/** The charts of a comparison: learning curves, and steps to targets. */
import type { TopLevelSpec } from 'vega-lite';
import { type Chart, LEGEND_FONT_SIZE, drawChart, seriesColour } from './chart.js';
import type { Conclusions, VariantResult } from './conclude.js';
import { percent, times } from './words.js';

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

/** Pixels; narrow enough that letters stay readable on a phone. */
const WIDTH = 480;

interface Series {
  readonly domain: string[];
  /** The first method, which the others are compared with, is grey. */
  readonly colours: string[];
  /** Of the legend: as many as fit, by Vega's estimate of how wide letters are. */
  readonly columns: number;
  /** Pixels that the legend takes beyond its first row. */
  readonly legendHeight: number;
}

function series(variants: readonly VariantResult[]): Series {
  const domain = variants.map(({ label }) => label);
  const entryWidth = 40 + 0.8 * LEGEND_FONT_SIZE * Math.max(...domain.map(({ length }) => length));
  const columns = Math.max(1, Math.floor(WIDTH / entryWidth));
  return {
    domain,
    colours: variants.map((_, i) => seriesColour(i)),
    columns,
    legendHeight: (LEGEND_FONT_SIZE + 4) * (Math.ceil(variants.length / columns) - 1),
  };
}

interface CurveChart {
  readonly name: string;
  readonly figure: 'accuracy' | 'loss';
  readonly title: string;
  readonly description: string;
}

/** Means over the seeds, with bands of one standard deviation. */
function curveChart(
  conclusions: Conclusions,
  { name, figure, title, description }: CurveChart,
): Promise<Chart> {
  const { variants, targets } = conclusions;
  const { domain, colours, columns, legendHeight } = series(variants);
  const rows = variants.flatMap(({ label, curve }, index) =>
    curve.map((point) => {
      const { mean, deviation } = point[figure];
      return {
        method: label,
        dashed: index === 0,
        step: point.step,
        mean,
        // A logarithmic axis has no place for what is not positive.
        low: Math.max(mean - (deviation ?? 0), mean / 10),
        high: mean + (deviation ?? 0),
      };
    }),
  );
  const colour = {
    field: 'method',
    type: 'nominal',
    scale: { domain, range: colours },
    legend: { title: null, columns, symbolType: 'stroke', symbolOpacity: 1 },
  } as const;
  const x = { field: 'step', type: 'quantitative', title: 'training steps' } as const;
  // The loss falls by orders of magnitude, and may shoot up in the first steps.
  const scale = figure === 'loss' ? ({ type: 'log', nice: false } as const) : { zero: false, nice: true };
  const axis = figure === 'accuracy' ? { format: '.0%' } : { format: '.2~f' };
  const banded = variants.some(({ curve }) => curve.some((point) => point[figure].deviation !== null));
  const goal = figure === 'accuracy' ? targets.at(-1)?.accuracy : undefined;
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
  const lines = (dashed: boolean): Layer => ({
    transform: [{ filter: { field: 'dashed', equal: dashed } }],
    mark: {
      type: 'line',
      strokeWidth: 2.5,
      clip: true,
      point: { size: 22, filled: true },
      ...(dashed && { strokeDash: [6, 3] }),
    },
    encoding: { x, y: { field: 'mean', type: 'quantitative', title, scale, axis }, color: colour },
  });
  const spec: TopLevelSpec = {
    width: WIDTH,
    height: 350 + legendHeight,
    autosize: { type: 'fit', contains: 'padding' },
    data: { values: rows },
    layer: [
      ...band,
      ...(goal === undefined ? [] : goalLine(goal, variants[0].label)),
      lines(true),
      lines(false),
    ],
  };
  return drawChart(name, description, spec);
}

/** Where the first method ends. */
function goalLine(goal: number, label: string): Layer[] {
  const data = { values: [{ goal, text: `${label} ends at ${percent(goal)}` }] };
  const y = { field: 'goal', type: 'quantitative' } as const;
  return [
    { data, mark: { type: 'rule', color: 'var(--muted)', strokeDash: [2, 3] }, encoding: { y } },
    {
      data,
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'bottom',
        dy: -4,
        x: 4,
        fontSize: 12,
        color: 'var(--muted)',
      },
      encoding: { y, text: { field: 'text', type: 'nominal' } },
    },
  ];
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
export function targetChart({ steps, split, variants, targets }: Conclusions): Promise<Chart> {
  const { domain, colours, columns, legendHeight } = series(variants);
  const rows = targets.flatMap(({ accuracy, reached }) =>
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
    scale: { domainMin: 0, domainMax: steps * 1.3, nice: false },
    axis: { values: ticks(steps) },
  } as const;
  const spec: TopLevelSpec = {
    width: WIDTH,
    // Besides the bars there is room for the legend and the axis.
    height:
      110 + legendHeight + targets.length * (12 + variants.length * Math.max(16, 30 - 4 * variants.length)),
    autosize: { type: 'fit', contains: 'padding' },
    data: { values: rows },
    encoding: { y, yOffset, x },
    layer: [
      {
        mark: { type: 'bar', cornerRadiusEnd: 3 },
        encoding: {
          color: {
            field: 'method',
            type: 'nominal',
            scale: { domain, range: colours },
            legend: { title: null, columns, symbolStrokeWidth: 0 },
          },
          fillOpacity: { condition: { test: 'datum.reached', value: 1 }, value: 0.12 },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 12 },
        encoding: { text: { field: 'text', type: 'nominal' } },
      },
    ],
  };
  return drawChart(
    'steps-to-target',
    `Training steps that each method needed for several ${split} accuracies`,
    spec,
  );
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
