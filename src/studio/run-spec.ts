/** What a run in the page is made of, and what the page hears of it. */
import type { ImageShape } from '../data/image-source.js';
import type { DataConfig } from '../train/run-config.js';
import type { Method, Settings } from './settings.js';

/** The images of a run. */
export type DataSpec =
  | { readonly kind: 'shapes'; readonly train: number; readonly test: number }
  /** Pictures that were decoded for it, kept under a name. */
  | { readonly kind: 'pictures'; readonly key: string }
  /** None: the run came from elsewhere, and its images did not. */
  | {
      readonly kind: 'none';
      readonly reason: string;
      readonly data: DataConfig;
      readonly imageShape: ImageShape;
    };

export interface RunSpec {
  readonly data: DataSpec;
  readonly settings: Settings;
  readonly methods: readonly Method[];
  /** Steps between two evaluations. */
  readonly evaluateEvery: number;
}

export type EngineDevice = 'cpu' | 'webgpu';

/** What a run computes on. */
export interface RunEngine {
  /** `cpu` is WebAssembly. */
  readonly device: EngineDevice;
  /** Of WebAssembly. */
  readonly threads: number;
  /** In the browser's words, where it is WebGPU. */
  readonly gpu?: string;
  /** In a sentence: why this one. Absent where nothing is to be said. */
  readonly reason?: string;
  /** In a sentence: what it was before, where it is another. */
  readonly moved?: string;
}

export type RunStatus = 'running' | 'paused' | 'finished';

/** A tensor as the page draws it. */
export interface FilterValues {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** How far an update has moved each image of its batch, one number an image. */
export interface MovedImages {
  readonly brightness: readonly number[];
  readonly contrast: readonly number[];
  /** ‖Δz‖. */
  readonly moved: Float32Array;
  /** The brightness that the model sees as 0. */
  readonly zero: number;
}

/** What a run tells the page. */
export type RunTold =
  | { readonly told: 'doing'; readonly what: string | null }
  | {
      readonly told: 'run';
      readonly spec: RunSpec;
      readonly engine: RunEngine;
      readonly steps: number;
      readonly stepsPerEpoch: number;
      readonly parameters: number;
      readonly modelName: string;
      /** Of each lane: how it is trained, in words. */
      readonly settings: readonly (readonly (readonly [what: string, value: string])[])[];
      readonly classNames: readonly string[];
      readonly testImages: number;
      readonly trainImages: number;
      /** What is clearly more than guessing, from 0 to 1. */
      readonly clearlyAbove: number;
      /** Why there is no ‖Δz‖, where there is none. */
      readonly unwatched?: string;
      /** What a run that goes on had told before. */
      readonly before: readonly (readonly PastFigure[])[];
    }
  | { readonly told: 'status'; readonly status: RunStatus; readonly step: number; readonly problem?: string }
  | {
      readonly told: 'step';
      readonly lane: number;
      readonly step: number;
      readonly loss: number;
      readonly accuracy: number;
      readonly learningRate: number;
      readonly imagesPerSecond: number;
      readonly filters?: FilterValues;
      readonly images?: MovedImages;
    }
  | {
      readonly told: 'turn';
      readonly step: number;
      readonly secondsLeft: number;
      readonly imagesPerSecond: number;
    }
  | {
      readonly told: 'evaluation';
      readonly lane: number;
      readonly step: number;
      readonly loss: number;
      readonly accuracy: number;
    }
  | { readonly told: 'saved'; readonly step: number }
  | { readonly told: 'diverged'; readonly lane: number; readonly problem: string };

/** A figure of a step, or of an evaluation behind it. */
export interface PastFigure {
  readonly kind: 'step' | 'evaluation';
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}
