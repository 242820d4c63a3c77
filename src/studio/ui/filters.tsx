/** The first layer's filters as coloured tiles. */
import { useEffect, useRef } from 'preact/hooks';
import type { FilterValues } from '../run-spec.js';

/** Tiles that are shown at most. */
const MOST = 48;

interface Tiles {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Of a tile, row by row, red, green and blue. */
  readonly value: (tile: number, y: number, x: number, channel: number) => number;
  /** All weights of a tile. */
  readonly of: (tile: number) => Float32Array;
}

/** Convolutions have [out, in, height, width], linear layers on pixels [out, channels · height · width]. */
export function tilesOf({ shape, data }: FilterValues): Tiles | undefined {
  const [out, inputs, kernelHeight, kernelWidth] = shape;
  let [channels, height, width] = [inputs, kernelHeight, kernelWidth];
  if (shape.length === 2) {
    channels = inputs % 3 === 0 ? 3 : 1;
    height = Math.round(Math.sqrt(inputs / channels));
    width = height;
    if (channels * height * width !== inputs) return undefined;
  } else if (shape.length !== 4) return undefined;
  if (channels !== 1 && channels !== 3) return undefined;
  const size = channels * height * width;
  return {
    count: Math.min(out, MOST),
    height,
    width,
    value: (tile, y, x, channel) =>
      data[tile * size + (channels === 1 ? 0 : channel) * height * width + y * width + x],
    of: (tile) => data.subarray(tile * size, (tile + 1) * size),
  };
}

export function Filters({
  filters,
  label,
  version,
}: {
  readonly filters: FilterValues | undefined;
  readonly label: string;
  readonly version: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current && filters) draw(canvas.current, filters);
  }, [version]);
  if (!filters) return null;
  const tiles = tilesOf(filters);
  if (!tiles)
    return <p class="muted">The first layer’s filters have no picture: they are not of 1 or 3 colours.</p>;
  return (
    <canvas
      ref={canvas}
      class="filters"
      role="img"
      aria-label={`${tiles.count} filters of the first layer of ${label}, ${tiles.width} × ${tiles.height} pixels each`}
    />
  );
}

function draw(canvas: HTMLCanvasElement, filters: FilterValues): void {
  const tiles = tilesOf(filters);
  if (!tiles) return;
  const { count, height, width, value, of } = tiles;
  const columns = count <= 16 ? 8 : 12;
  const rows = Math.ceil(count / columns);
  // One pixel between tiles.
  const [across, down] = [columns * (width + 1) - 1, rows * (height + 1) - 1];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(across, down);
  for (let tile = 0; tile < count; tile++) {
    let most = 1e-9;
    for (const weight of of(tile)) most = Math.max(most, Math.abs(weight));
    const [left, top] = [(tile % columns) * (width + 1), Math.floor(tile / columns) * (height + 1)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = 4 * ((top + y) * across + left + x);
        for (let channel = 0; channel < 3; channel++)
          image.data[at + channel] = Math.round(127.5 * (1 + value(tile, y, x, channel) / most));
        image.data[at + 3] = 255;
      }
    }
  }
  context.putImageData(image, 0, 0);
}
