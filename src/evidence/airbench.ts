/** The recipe `speed` beside the same one in PyTorch, as `bench/peers/airbench.py` prints it: a line of JSON for each epoch. */
import { spread } from '../compare/curves.js';
import type { Results } from '../compare/results.js';
import { median } from '../compare/statistics.js';
import * as check from '../train/json-check.js';
import { speed } from '../train/recipes.js';
import { accuracyText } from './figures.js';

/** A run of `bench/peers/airbench.py` to its end. */
export interface AirbenchRun {
  readonly seed: number;
  readonly threads: number;
  /** PyTorch's version, without where it was built: `2.7.1`. */
  readonly pytorch: string;
  /** On the test images, 0 to 1. */
  readonly accuracy: number;
  /** In the median epoch. */
  readonly secondsPerStep: number;
}

/**
 * @param text what the program printed
 * @throws CheckpointError naming what is missing or wrong
 */
export function parseAirbenchRun(text: string): AirbenchRun {
  const lines = text
    .trim()
    .split('\n')
    .map((line, i) => check.record(check.parseJson(line, `line ${i + 1}`), `line ${i + 1}`));
  const [{ seed, threads, pytorch }, ...epochs] = lines;
  const ends = epochs.map(({ step, seconds }) => ({
    step: check.integer(step, 'step', 1),
    seconds: check.number(seconds, 'seconds'),
  }));
  check.integer(epochs.at(-1)?.epoch, 'the last epoch', speed.epochs);
  const paces = ends.map(({ step, seconds }, i) => {
    const before = i === 0 ? { step: 0, seconds: 0 } : ends[i - 1];
    return (seconds - before.seconds) / (step - before.step);
  });
  return {
    seed: check.integer(seed, 'seed', 0),
    threads: check.integer(threads, 'threads', 1),
    pytorch: check.text(pytorch, 'pytorch').split('+')[0],
    accuracy: check.number(epochs.at(-1)?.accuracy, 'accuracy'),
    secondsPerStep: median(paces),
  };
}

/** As one would type it; what it prints is kept. */
export const airbenchCommand = ({ seed, threads }: AirbenchRun): string =>
  `python3 bench/peers/airbench.py FOLDER --threads ${threads} --seed ${seed} > evidence/airbench-pytorch/seed-${seed}.jsonl`;

/** A heading and a row for each of the two programs, as text; of the results the first method. */
export function airbenchTable(results: Results, peers: readonly AirbenchRun[]): string[][] {
  const own = results.variants[0].runs.flatMap(({ accuracy, secondsPerStep }) =>
    accuracy === null ? [] : [{ accuracy, secondsPerStep }],
  );
  return [
    ['trained by', 'seeds', 'test accuracy', 'seconds a step'],
    row('tract-ts', own),
    row(`PyTorch ${[...new Set(peers.map(({ pytorch }) => pytorch))].join(', ')}`, peers),
  ];
}

function row(name: string, runs: readonly { accuracy: number; secondsPerStep: number }[]): string[] {
  const accuracy = accuracyText(spread(runs.map((run) => run.accuracy)));
  const { mean, deviation } = spread(runs.map(({ secondsPerStep }) => secondsPerStep));
  const seconds = deviation === null ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
  return [name, String(runs.length), accuracy, seconds];
}
