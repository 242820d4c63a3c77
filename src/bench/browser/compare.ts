/** `npm run bench -- --browser`: the training step in pages, tract-ts beside libraries made for them. */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { table } from '../../cli/layout.js';
import { median } from '../../compare/statistics.js';
import { type BenchCase, describeCase } from '../cases.js';
import { type Entrant, type Outcome, measureInTurns } from '../measure.js';
import { LOWERED, PLAIN, type PageLibrary, type PageRequest } from './page-request.js';

interface PageContender {
  readonly name: string;
  readonly library: PageLibrary;
  readonly backend: string;
  readonly threads: number;
}

const contender = (
  library: PageLibrary,
  backend: string,
  threads = 1,
  name = `${library} ${backend}`,
): PageContender => ({ name, library, backend, threads });

const contenders: readonly PageContender[] = [
  contender('tract-ts', 'wasm', 1, 'tract-ts wasm, 1 thread'),
  contender('tract-ts', 'wasm', 2, 'tract-ts wasm, 2 threads'),
  contender('tract-ts', 'webgpu'),
  contender('TensorFlow.js', 'wasm', 2, 'TensorFlow.js wasm, 2 threads'),
  contender('TensorFlow.js', 'cpu'),
  contender('TensorFlow.js', 'webgl'),
  contender('TensorFlow.js', 'webgpu'),
  contender('jax-js', 'wasm'),
  contender('jax-js', 'webgpu'),
];

/** What the lowering for WebAssembly gains. */
const ownLowering: readonly PageContender[] = [
  contender('tract-ts', PLAIN, 1, 'plain operators, 1 thread'),
  contender('tract-ts', LOWERED, 1, 'lowered for WebAssembly, 1 thread'),
  contender('tract-ts', PLAIN, 2, 'plain operators, 2 threads'),
  contender('tract-ts', LOWERED, 2, 'lowered for WebAssembly, 2 threads'),
];

const packages: Readonly<Record<PageLibrary, string | undefined>> = {
  'tract-ts': undefined,
  'TensorFlow.js': '@tensorflow/tfjs-backend-webgpu',
  'jax-js': '@jax-js/jax',
};

const installed = ({ library }: PageContender): boolean => {
  const name = packages[library];
  return (
    name === undefined ||
    existsSync(fileURLToPath(new URL(`../../../bench/peers/node_modules/${name}`, import.meta.url)))
  );
};

export interface BrowserOptions {
  readonly steps: number;
  /** Whether tract-ts alone is measured, with and without its lowering for WebAssembly. Default false. */
  readonly lowering?: boolean;
  /** Called with what is being done, in words. */
  readonly onProgress?: (doing: string) => void;
}

/** What one contender's step of a case came to. */
export interface BrowserFigures {
  readonly name: string;
  /** The median; absent where it failed. */
  readonly milliseconds?: number;
  readonly steps?: number;
  readonly failure?: string;
}

export interface BrowserCase {
  readonly case: string;
  readonly batchSize: number;
  readonly figures: readonly BrowserFigures[];
}

/** @throws ContenderError where tract-ts fails on WebAssembly; another's failure is part of the result */
export async function measureInBrowser(
  benchCase: BenchCase,
  { steps, lowering = false, onProgress }: BrowserOptions,
): Promise<BrowserCase> {
  const { name, batchSize } = benchCase;
  const script = fileURLToPath(new URL('process.js', import.meta.url));
  const entering = lowering ? ownLowering : contenders.filter(installed);
  const entrants = entering.map(({ name: title, library, backend, threads }): Entrant => {
    const request: PageRequest = { library, name, backend, threads, description: describeCase(benchCase) };
    return {
      name: title,
      command: { program: process.execPath, parameters: [script, JSON.stringify(request)] },
      own: library === 'tract-ts' && backend !== 'webgpu',
    };
  });
  const outcomes = await measureInTurns(entrants, {
    steps,
    onProgress: (doing) => onProgress?.(`${name}: ${doing}`),
  });
  return {
    case: name,
    batchSize,
    figures: entrants.map(({ name: title }) => figuresOf(title, outcomes[title])),
  };
}

function figuresOf(name: string, outcome: Outcome): BrowserFigures {
  if (typeof outcome === 'string') return { name, failure: outcome };
  const times = outcome.turns.flat();
  return { name, milliseconds: median(times), steps: times.length };
}

/** Names of what is not installed. */
export function missingLibraries(): string[] {
  return [...new Set(contenders.filter((one) => !installed(one)).map(({ library }) => library))];
}

export function browserTable({ case: name, batchSize, figures }: BrowserCase): string {
  const reference = figures.find(({ milliseconds }) => milliseconds !== undefined)!.milliseconds!;
  const rows = figures.map(({ name: title, milliseconds, steps }, i) => [
    i === 0 ? name : '',
    title,
    ...(milliseconds === undefined
      ? ['—', '—', '—', '—']
      : [
          milliseconds.toFixed(milliseconds < 100 ? 1 : 0),
          String(steps),
          ((1000 * batchSize) / milliseconds).toPrecision(3),
          (reference / milliseconds).toPrecision(2),
        ]),
  ]);
  const notes = figures.flatMap(({ name: title, failure }) =>
    failure === undefined ? [] : [`  ${title}: ${failure.slice(0, 300)}`],
  );
  return [table([['case', 'in a page', 'step ms', 'steps', 'images/s', 'relative'], ...rows]), ...notes].join(
    '\n',
  );
}
