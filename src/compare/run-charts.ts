/** The curves of one run: loss, accuracy and learning rate over its steps. */
import type { TopLevelSpec } from 'vega-lite';
import { parseMetricsLine } from '../train/metrics-line.js';
import { type Chart, NARROW, NUMBER_FORMAT, STEP_AXIS, WIDE, drawChart } from './chart.js';

/** A point of a curve. */
interface Point {
  readonly step: number;
  readonly value: number;
}

/** What a run recorded of itself. */
export interface RunCurves {
  /** Of training batches. */
  readonly loss: readonly Point[];
  readonly accuracy: readonly Point[];
  readonly learningRate: readonly Point[];
  /** Of evaluations, and on which images these were. */
  readonly kind: 'validation' | 'test';
  readonly evaluatedLoss: readonly Point[];
  readonly evaluatedAccuracy: readonly Point[];
}

/** A chart is that many points wide, at most; what is between is averaged. */
const MOST_POINTS = 200;

/** The curves in the text of a `metrics.jsonl`. Lines that are none, and figures that are no numbers, are left out. */
export function curvesOf(metrics: string): RunCurves {
  const lines = metrics.split('\n').flatMap((line) => parseMetricsLine(line) ?? []);
  const points = (event: 'step' | 'evaluated', key: string): Point[] =>
    lines.flatMap((line) => {
      const value = line[key];
      const isStep = line.event === 'step';
      return isStep === (event === 'step') && typeof value === 'number' && Number.isFinite(value)
        ? [{ step: line.step, value }]
        : [];
    });
  const kind = lines.some((line) => line.validationLoss !== undefined) ? 'validation' : 'test';
  return {
    loss: points('step', 'loss'),
    accuracy: points('step', 'accuracy'),
    learningRate: points('step', 'learningRate'),
    kind,
    evaluatedLoss: points('evaluated', `${kind}Loss`),
    evaluatedAccuracy: points('evaluated', `${kind}Accuracy`),
  };
}

/** Charts of what there is. */
export async function runCharts(curves: RunCurves): Promise<Chart[]> {
  const { loss, accuracy, learningRate, kind, evaluatedLoss, evaluatedAccuracy } = curves;
  const wanted: readonly [CurveSpec, readonly Series[]][] = [
    [
      { name: 'loss', title: 'loss', logarithmic: true },
      [
        ['training', loss],
        [kind, evaluatedLoss],
      ],
    ],
    [
      { name: 'accuracy', title: 'accuracy', format: '.1~%' },
      [
        ['training', accuracy],
        [kind, evaluatedAccuracy],
      ],
    ],
    [{ name: 'learning-rate', title: 'learning rate' }, [['', learningRate]]],
  ];
  const drawn = wanted.filter(([, series]) => series.some(([, points]) => points.length > 0));
  return Promise.all(
    drawn.map(([chart, series]) =>
      drawChart(
        chart.name,
        `The ${chart.title} by training steps`,
        spec(chart, series, WIDE),
        spec(chart, series, NARROW),
      ),
    ),
  );
}

interface CurveSpec {
  readonly name: string;
  readonly title: string;
  readonly logarithmic?: boolean;
  readonly format?: string;
}

type Series = readonly [name: string, points: readonly Point[]];

function spec({ title, logarithmic = false, format }: CurveSpec, series: readonly Series[], width: number) {
  const rows = series.flatMap(([images, points]) =>
    thinned(points).map(({ step, value }) => ({
      images,
      step,
      // A logarithmic axis has no place for what is not positive.
      value: logarithmic ? Math.max(value, 1e-6) : value,
    })),
  );
  const domain = series.map(([name]) => name);
  const legend = domain.length > 1 ? { title: null, symbolType: 'stroke' as const } : null;
  const range = domain.length > 1 ? ['var(--series-0)', 'var(--series-1)'] : ['var(--series-1)'];
  const scale = logarithmic ? ({ type: 'log', nice: false } as const) : { zero: false, nice: true };
  const encoding = {
    x: { field: 'step', type: 'quantitative', title: 'training steps', axis: STEP_AXIS },
    y: {
      field: 'value',
      type: 'quantitative',
      title,
      scale,
      axis: { format: format ?? NUMBER_FORMAT },
    },
    color: { field: 'images', type: 'nominal', scale: { domain, range }, legend },
  } as const;
  // A line of one point is nothing to see.
  const dotted = rows.filter(({ images }) => images !== domain[0] || series[0][1].length === 1);
  return {
    width,
    height: 280,
    autosize: { type: 'fit', contains: 'padding' },
    encoding,
    layer: [
      { data: { values: rows }, mark: { type: 'line', strokeWidth: 2, clip: true } },
      ...(dotted.length > 0
        ? [
            {
              data: { values: dotted },
              mark: { type: 'point' as const, filled: true, size: 30, clip: true },
            },
          ]
        : []),
    ],
  } satisfies TopLevelSpec;
}

/** Means over windows of equal numbers of points. */
function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(points.length / Math.max(size, 1)) }, (_, i) => {
    const own = points.slice(i * size, (i + 1) * size);
    const mean = (of: (point: Point) => number): number =>
      own.reduce((sum, point) => sum + of(point), 0) / own.length;
    return { step: size === 1 ? own[0].step : mean(({ step }) => step), value: mean(({ value }) => value) };
  });
}
