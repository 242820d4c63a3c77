/** `results.json`: what a comparison was, what came out, and what it says. */
import type { UpdateCorrelations } from './update-charts.js';
import type { Conclusions } from './conclude.js';
import type { Decision } from './sequential.js';

/** How the runs were made, for readers and machines. */
export interface Setup {
  readonly data: string;
  readonly trainImages: number;
  readonly validationImages?: number;
  readonly testImages: number;
  readonly model: string;
  readonly modelConfig: Readonly<Record<string, unknown>>;
  readonly optimizer: string;
  readonly optimizerConfig: Readonly<Record<string, unknown>>;
  readonly schedule: string;
  readonly learningRate: number;
  /** Whether model, optimizer and rate are those of the first method only: others differ by what their labels say. */
  readonly grid?: true;
  readonly batchSize: number;
  readonly epochs: number;
  readonly seeds: readonly number[];
  readonly evaluateEvery: number;
  readonly device: string;
  /** Mean and deviation that pixels in [0, 1] are standardised by. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The figures and conclusions of a comparison, as results.json holds them. */
export interface Results extends Conclusions {
  /** Of this file. */
  readonly format: 1;
  readonly setup: Setup;
  /** Between ‖Δz‖ and what images look like; absent without a run of the plain model. */
  readonly updates?: UpdateCorrelations & { readonly images: number };
  /** What seeds decided before all of them were run, where a comparison was to stop then. */
  readonly decisions?: readonly Decision[];
  /** The findings in words, the answer first. */
  readonly sentences: readonly string[];
}
