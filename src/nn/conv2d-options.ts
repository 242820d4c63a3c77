/** What a two-dimensional convolution is told: torch.nn.Conv2d's options. */
import type { Initializer } from './init.js';
import type { Padding, PaddingMode, Pair } from './padding.js';

/** Options of `conv2d`. */
export interface Conv2dOptions {
  /** A number, or [height, width]. */
  readonly kernelSize: Pair;
  /** A number, or [vertical, horizontal]. Default 1. */
  readonly stride?: Pair;
  /** A number, [vertical, horizontal], [top, left, bottom, right], `same` (stride 1 only) or `valid`. Default 0. */
  readonly padding?: Padding;
  /** What lies in the padding. Default `zeros`. */
  readonly paddingMode?: PaddingMode;
  /** A number, or [vertical, horizontal]. Default 1. */
  readonly dilation?: Pair;
  /** Groups of channels that are convolved separately. Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Of the weight. Default PyTorch's. */
  readonly initializer?: Initializer;
}
