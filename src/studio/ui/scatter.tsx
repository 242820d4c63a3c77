/** A dot for each image of a batch, drawn anew at every update. */
import { useEffect, useRef } from 'preact/hooks';
import { colour, theme } from './theme.js';

export interface Dots {
  readonly label: string;
  /** A colour of the style sheet. */
  readonly colour: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface ScatterProps {
  readonly sets: readonly Dots[];
  readonly x: string;
  readonly y: string;
  /** A line across, with what it stands for. */
  readonly mark?: { readonly at: number; readonly label: string };
  readonly xRange: readonly [number, number];
  readonly yEnd: number;
  /** Said to those who do not see it. */
  readonly summary: string;
  readonly version: number;
}

const HEIGHT = 230;
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 10, 12, 40];

export function Scatter(props: ScatterProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { version, summary } = props;
  const shown = theme.value;
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (canvas.current) draw(canvas.current, latest.current);
    });
    observer.observe(canvas.current!);
    return () => {
      observer.disconnect();
    };
  }, []);
  useEffect(() => {
    // It may be gone by now: what is drawn waits for the next frame.
    if (canvas.current) draw(canvas.current, props);
  }, [version, shown]);

  return (
    <figure class="chart">
      <canvas ref={canvas} class="plot" height={HEIGHT} role="img" aria-label={summary} />
    </figure>
  );
}

function draw(canvas: HTMLCanvasElement, { sets, x, y, mark, xRange, yEnd }: ScatterProps): void {
  const ratio = devicePixelRatio;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(HEIGHT * ratio);
  const context = canvas.getContext('2d')!;
  context.scale(ratio, ratio);
  const [right, bottom] = [width - RIGHT, HEIGHT - BOTTOM];
  const across = (value: number): number =>
    LEFT + ((value - xRange[0]) / (xRange[1] - xRange[0])) * (right - LEFT);
  const up = (value: number): number => bottom - (Math.min(value, yEnd) / yEnd) * (bottom - TOP);
  context.font = '12px system-ui, sans-serif';
  context.lineWidth = 1;
  const [muted, grid] = [colour('muted'), colour('grid')];
  const line = (x1: number, y1: number, x2: number, y2: number): void => {
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
  };
  context.strokeStyle = grid;
  context.fillStyle = muted;
  for (const value of ticks(0, yEnd, 4)) {
    line(LEFT, up(value), right, up(value));
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    context.fillText(short(value), LEFT - 7, up(value));
  }
  for (const value of ticks(xRange[0], xRange[1], 5)) {
    line(across(value), TOP, across(value), bottom);
    context.textAlign = 'center';
    context.textBaseline = 'top';
    context.fillText(short(value), across(value), bottom + 6);
  }
  context.font = '13px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  context.fillText(x, (LEFT + right) / 2, HEIGHT - 1);
  context.save();
  context.translate(13, (TOP + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(y, 0, 2);
  context.restore();
  if (mark && mark.at > xRange[0] && mark.at < xRange[1]) {
    context.setLineDash([4, 4]);
    context.strokeStyle = muted;
    line(across(mark.at), TOP, across(mark.at), bottom);
    context.setLineDash([]);
  }
  for (const set of sets) {
    context.fillStyle = colour(set.colour);
    context.globalAlpha = 0.62;
    for (const [i, value] of set.x.entries()) {
      context.beginPath();
      context.arc(across(value), up(set.y[i]), 3.4, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }
}

/** Round numbers from one end to the other, about so many. */
function ticks(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough)! * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

const short = (value: number): string => String(Number(value.toFixed(2)));
