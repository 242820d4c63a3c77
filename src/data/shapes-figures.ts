/**
 * The ten figures of the `shapes` dataset as signed distances.
 *
 * A figure is drawn around the origin: shapes reach to about 1 from it, textures have periods of 2 and go on for
 * ever. The distance is negative inside and exact near the outline, which is where anti-aliasing looks at it.
 */
import type { Random } from '../random/random.js';

/** Signed distance from a point to the outline of a figure. */
export type Figure = (x: number, y: number) => number;

export interface FigureClass {
  readonly name: string;
  /** A texture fills a window of the image; a shape stands somewhere in it. */
  readonly kind: 'shape' | 'texture';
  /** One figure of the class, with proportions of its own. */
  readonly make: (random: Random) => Figure;
}

/** Distance to the nearest odd number, less a half: a wave of period 2 that is negative in half of it. */
const wave = (x: number): number => Math.abs(x - 2 * Math.floor(x / 2) - 1) - 0.5;

const box = (x: number, y: number, halfWidth: number, halfHeight: number): number =>
  Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);

/** A regular star whose points reach to 1 and whose notches lie at `notch` from the centre. */
function star(points: number, notch: number): Figure {
  const half = Math.PI / points;
  // One edge, from the tip at (1, 0) to the notch; every other edge is this one turned or mirrored.
  const edgeX = notch * Math.cos(half) - 1;
  const edgeY = notch * Math.sin(half);
  const length = Math.hypot(edgeX, edgeY);
  return (x, y) => {
    const angle = Math.atan2(y, x);
    const folded = Math.abs(angle - 2 * half * Math.round(angle / (2 * half)));
    const radius = Math.sqrt(x * x + y * y);
    return ((radius * Math.cos(folded) - 1) * edgeY - radius * Math.sin(folded) * edgeX) / length;
  };
}

/** The classes in the order of their labels. */
export const figureClasses: readonly FigureClass[] = [
  { name: 'disc', kind: 'shape', make: () => (x, y) => Math.sqrt(x * x + y * y) - 1 },
  {
    name: 'ring',
    kind: 'shape',
    make: (random) => {
      const half = random.uniform(0.14, 0.24);
      return (x, y) => Math.abs(Math.sqrt(x * x + y * y) - 1 + half) - half;
    },
  },
  { name: 'square', kind: 'shape', make: () => (x, y) => box(x, y, 0.86, 0.86) },
  {
    name: 'triangle',
    kind: 'shape',
    make: () => (x, y) => Math.max(-y, 0.5 * y + (Math.sqrt(3) / 2) * Math.abs(x)) - 0.58,
  },
  { name: 'star', kind: 'shape', make: (random) => star(5, random.uniform(0.38, 0.48)) },
  {
    name: 'cross',
    kind: 'shape',
    make: (random) => {
      const half = random.uniform(0.22, 0.34);
      return (x, y) => Math.min(box(x, y, 1, half), box(x, y, half, 1));
    },
  },
  {
    name: 'crescent',
    kind: 'shape',
    make: (random) => {
      const shift = random.uniform(0.4, 0.6);
      return (x, y) =>
        Math.max(Math.sqrt(x * x + y * y) - 1, 0.85 - Math.sqrt((x - shift) * (x - shift) + y * y));
    },
  },
  { name: 'stripes', kind: 'texture', make: () => (x) => wave(x) },
  {
    name: 'checkerboard',
    kind: 'texture',
    make: () => (x, y) => {
      const across = wave(x);
      const down = wave(y);
      const distance = Math.min(Math.abs(across), Math.abs(down));
      return across * down > 0 ? -distance : distance;
    },
  },
  {
    name: 'dots',
    kind: 'texture',
    make: (random) => {
      const radius = random.uniform(0.5, 0.65);
      return (x, y) => {
        const across = wave(x) + 0.5;
        const down = wave(y) + 0.5;
        return Math.sqrt(across * across + down * down) - radius;
      };
    },
  },
];
