/** Curves over steps, drawn by uPlot. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Point } from './run.js';
import { colour, theme } from './theme.js';

export interface Curve {
  readonly label: string;
  /** A colour of the style sheet. */
  readonly colour: string;
  readonly points: readonly Point[];
  readonly dashed?: boolean;
}

export interface LineChartProps {
  readonly curves: readonly Curve[];
  readonly x: string;
  readonly y: string;
  /** Said to those who do not see it. */
  readonly summary: string;
  /** Ends of the axes, where they are known. */
  readonly xEnd: number;
  readonly yRange?: readonly [number, number];
  readonly format: (value: number) => string;
  /** Dots at the points. */
  readonly dots?: boolean;
  /** Changes when there is something new to draw. */
  readonly version: number;
}

const HEIGHT = 230;

export function LineChart(props: LineChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const { curves, x, y, xEnd, yRange, format, dots, version, summary } = props;
  const shown = theme.value;
  const names = curves.map(({ label }) => label).join();

  useEffect(() => {
    const element = place.current!;
    const made = new uPlot(
      options({
        width: element.clientWidth,
        curves,
        x,
        y,
        xEnd,
        format,
        ...(yRange && { yRange }),
        dots: dots ?? false,
      }),
      dataOf(curves),
      element,
    );
    chart.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
    // Made anew for another run, and in other colours.
  }, [names, xEnd, shown]);

  useEffect(() => {
    chart.current?.setData(dataOf(curves));
  }, [version]);

  return (
    <figure class="chart">
      <div ref={place} class="plot" role="img" aria-label={summary} />
    </figure>
  );
}

/** All steps of all curves, and the value of each curve at each; nothing where it has none. */
function dataOf(curves: readonly Curve[]): uPlot.AlignedData {
  const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  const values = curves.map(({ points }) => {
    const byStep = new Map(points.map(({ step, value }) => [step, value]));
    return steps.map((step) => byStep.get(step));
  });
  return [steps, ...values];
}

function options({
  width,
  curves,
  x,
  y,
  xEnd,
  yRange,
  format,
  dots,
}: Pick<LineChartProps, 'curves' | 'x' | 'y' | 'xEnd' | 'yRange' | 'format'> & {
  readonly width: number;
  readonly dots: boolean;
}): uPlot.Options {
  const axis = (label: string): uPlot.Axis => ({
    label,
    labelSize: 20,
    labelFont: '13px system-ui, sans-serif',
    font: '12px system-ui, sans-serif',
    stroke: () => colour('muted'),
    grid: { stroke: () => colour('grid'), width: 1 },
    ticks: { show: false },
  });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [0, Math.max(xEnd, 1)] },
      y: yRange
        ? { range: [yRange[0], yRange[1]] }
        : { range: (_, low, high) => [Math.min(0, low), high * 1.08 || 1] },
    },
    axes: [
      { ...axis(x), size: 28 },
      { ...axis(y), size: 52, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...curves.map(({ label, colour: name, dashed }): uPlot.Series => ({
        label,
        stroke: () => colour(name),
        width: 2.5,
        spanGaps: true,
        ...(dashed && { dash: [7, 4] }),
        points: { show: dots, size: 6, fill: () => colour(name) },
      })),
    ],
  };
}
