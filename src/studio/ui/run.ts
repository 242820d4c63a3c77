/** The run as the page shows it, made of what the worker tells. */
import { signal } from '@preact/signals';
import type { FilterValues, MovedImages, RunStatus, RunTold } from '../run-spec.js';
import { stepsTo } from '../../compare/curves.js';
import type { Method } from '../settings.js';

/** A figure at a step. */
export interface Point {
  readonly step: number;
  readonly value: number;
}

/** One of the methods of a run. Arrays grow as it goes on. */
export interface LaneView {
  readonly method: Method;
  readonly losses: Point[];
  readonly trainAccuracies: Point[];
  readonly accuracies: Point[];
  readonly testLosses: Point[];
  filters: FilterValues | undefined;
  images: MovedImages | undefined;
  learningRate: number | undefined;
  diverged: string | undefined;
}

/** What the worker told of a run, and what came since. */
export interface RunView extends Omit<Extract<RunTold, { told: 'run' }>, 'told' | 'before'> {
  readonly lanes: readonly LaneView[];
}

export const run = signal<RunView | null>(null);
export const status = signal<RunStatus>('paused');
export const step = signal(0);
export const secondsLeft = signal<number | null>(null);
export const speed = signal<number | null>(null);
export const savedStep = signal<number | null>(null);
/** What the worker is busy with before or between steps, in words. */
export const doing = signal<string | null>(null);
export const trainingProblem = signal<string | null>(null);
/** Grows whenever there is something new to draw; at most once a frame. */
export const drawn = signal(0);

let frame = 0;

function redraw(): void {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    drawn.value++;
  });
}

/** Takes in what the worker tells. */
export function hear(what: RunTold): void {
  switch (what.told) {
    case 'doing':
      doing.value = what.what;
      break;
    case 'run':
      run.value = viewOf(what);
      [secondsLeft.value, speed.value, savedStep.value, trainingProblem.value] = [null, null, null, null];
      break;
    case 'status':
      status.value = what.status;
      step.value = what.step;
      if (what.problem !== undefined) trainingProblem.value = what.problem;
      break;
    case 'turn':
      step.value = what.step;
      secondsLeft.value = what.secondsLeft;
      speed.value = what.imagesPerSecond;
      break;
    case 'saved':
      savedStep.value = what.step;
      break;
    default: {
      const lane = run.value?.lanes[what.lane];
      if (!lane) return;
      if (what.told === 'step') {
        push(lane.losses, what.step, what.loss);
        push(lane.trainAccuracies, what.step, what.accuracy);
        lane.filters = what.filters;
        lane.images = what.images;
        lane.learningRate = what.learningRate;
      } else if (what.told === 'evaluation') {
        push(lane.accuracies, what.step, what.accuracy);
        push(lane.testLosses, what.step, what.loss);
      } else lane.diverged = what.problem;
    }
  }
  redraw();
}

/** An evaluation where a run goes on is told again. */
function push(points: Point[], at: number, value: number): void {
  if (points.at(-1)?.step === at) points.pop();
  points.push({ step: at, value });
}

function viewOf(what: Extract<RunTold, { told: 'run' }>): RunView {
  const { spec, before } = what;
  return {
    ...what,
    lanes: spec.methods.map((method, i): LaneView => {
      const lane: LaneView = {
        method,
        losses: [],
        trainAccuracies: [],
        accuracies: [],
        testLosses: [],
        filters: undefined,
        images: undefined,
        learningRate: undefined,
        diverged: undefined,
      };
      for (const figure of before[i]) {
        const [losses, accuracies] =
          figure.kind === 'step' ? [lane.losses, lane.trainAccuracies] : [lane.testLosses, lane.accuracies];
        push(losses, figure.step, figure.loss);
        push(accuracies, figure.step, figure.accuracy);
      }
      return lane;
    }),
  };
}

/** What the race says so far. */
export interface Standing {
  /** The accuracy that vanilla has reached. */
  readonly accuracy: number;
  /** Steps to it. */
  readonly vanilla: number;
  readonly tract: number;
  /** How many times fewer. */
  readonly speedup: number;
}

/**
 * How many steps each took to where vanilla is now (at the end: where it ends), linear between evaluations, as
 * `tract compare` counts. Undefined while vanilla is not clearly above guessing, or TrAct is not there yet.
 */
export function standing({ lanes, clearlyAbove }: RunView): Standing | undefined {
  const [vanilla, tract] = (['vanilla', 'tract'] as const).map((method) =>
    lanes.find((lane) => lane.method === method),
  );
  const accuracy = vanilla?.accuracies.at(-1)?.value;
  if (!vanilla || !tract || accuracy === undefined || accuracy < clearlyAbove) return undefined;
  const curve = ({ accuracies }: LaneView) =>
    accuracies.map(({ step: at, value }) => ({ step: at, accuracy: value }));
  const [own, other] = [stepsTo(accuracy, curve(vanilla)), stepsTo(accuracy, curve(tract))];
  if (own === null || other === null || other === 0) return undefined;
  return { accuracy, vanilla: own, tract: other, speedup: own / other };
}
