/** The worker that trains: everything that computes with a model happens here. */
import type { Catalog } from '../pictures/catalog.js';
import type { GivenFile } from '../pictures/import.js';
import { serve, tell } from '../rpc.js';
import type { RunSpec, RunStatus, RunTold } from '../run-spec.js';
import {
  Guesser,
  type Guess,
  type PixelRows,
  type TestResult,
  testPixels,
  testResult,
} from './evaluation.js';
import { checkModel, checkWeights } from './check-file.js';
import { forgetKept, keep } from './kept-run.js';
import { openRun, runFilesIn } from './open-run.js';
import { prepare, removeOthers } from './prepare.js';
import { Session, type RunFiles } from './session.js';
import { modelOnnx, runZip } from './take.js';
import { threads } from './threads.js';

let session: Session | undefined;
/** By the number of their lane. */
const guessers = new Map<number, Guesser>();

const handlers = {
  /** What it trains with. */
  engine: () => ({ threads }),

  /** Takes up the run that is kept, as it was when the page was closed. */
  async reopen(): Promise<RunStatus | undefined> {
    const found = await Session.reopen();
    if (!found) return undefined;
    session = found.session;
    if (found.status === 'running') session.run();
    return session.status;
  },

  /** Decodes pictures to the size of a run. @returns the key that they are kept under */
  async prepare(catalog: Catalog, size: number): Promise<string> {
    await close();
    try {
      return await prepare(catalog, size, progress('Preparing pictures'));
    } finally {
      doing(null);
    }
  },

  async begin(spec: RunSpec, files: RunFiles): Promise<void> {
    await close();
    session = await Session.begin(spec, files);
    // What was decoded for the run before, which is replaced now.
    await removeOthers(keyOf(spec));
    session.run();
  },

  run: () => session?.run(),
  pause: () => session?.pause(),
  stepOnce: () => session?.stepOnce(),

  /** Ends the run, and forgets it. */
  async forget(): Promise<void> {
    await close();
    await forgetKept();
  },

  /** What a lane does with every test picture. */
  test(lane: number): Promise<TestResult> {
    const { lanes, data, between } = running();
    return between(() => testResult(lanes[lane], data));
  },

  /** Test pictures as the model has them. */
  pixels: (indices: readonly number[]): Promise<PixelRows> => testPixels(running().data, indices),

  /** What is in a picture, by a lane's present weights. */
  guess(lane: number, picture: Blob | ImageData): Promise<Guess[]> {
    const { lanes, between } = running();
    return between(async () => {
      const { step } = lanes[lane].trainer.progress;
      if (guessers.get(lane)?.step !== step) {
        await guessers.get(lane)?.release();
        guessers.set(lane, await Guesser.create(lanes[lane], threads));
      }
      return guessers.get(lane)!.guess(picture);
    });
  },

  /** A lane's run as a zip file of its folder. */
  takeRun(lane: number): Promise<File> {
    const { lanes, data, source, between } = running();
    return between(async () => {
      try {
        return await runZip(lanes[lane], data, source, progress('Packing pictures'));
      } finally {
        doing(null);
      }
    });
  },

  /** A lane's model as an `.onnx` file. */
  takeModel(lane: number): Promise<Uint8Array> {
    const { lanes, between } = running();
    return between(() => modelOnnx(lanes[lane]));
  },

  checkModel,
  checkWeights,

  /** Whether there is a run in a zip file or folder. */
  hasRun: async (files: readonly GivenFile[]): Promise<boolean> => (await runFilesIn(files)) !== undefined,

  /** Opens the run in a zip file or folder. @returns whether there is one */
  async open(files: readonly GivenFile[]): Promise<boolean> {
    const found = await runFilesIn(files);
    if (!found) return false;
    try {
      const run = await openRun(found, progress('Looking at the pictures of the run'));
      await close();
      await keep({ ...run, status: 'paused' });
      session = (await Session.reopen())!.session;
      await removeOthers(keyOf(run.spec));
    } finally {
      doing(null);
    }
    return true;
  },
};

/** @throws Error where there is no run */
function running(): Session {
  if (session) return session;
  throw new Error('There is no run here yet. Train one, or open one.');
}

async function close(): Promise<void> {
  for (const guesser of guessers.values()) await guesser.release();
  guessers.clear();
  await session?.close();
  session = undefined;
}

const doing = (what: string | null): void => {
  tell({ told: 'doing', what } satisfies RunTold);
};

/** Milliseconds between two words on how far something is. */
const TELL_EVERY = 200;

/** Says how far something is. */
function progress(what: string): (done: number, total?: number) => void {
  let last = 0;
  return (done, total) => {
    if (performance.now() - last < TELL_EVERY && done !== total) return;
    last = performance.now();
    doing(
      `${what}: ${done.toLocaleString('en')}${total === undefined ? '' : ` of ${total.toLocaleString('en')}`}…`,
    );
  };
}

/** The key of a run's own pictures. */
const keyOf = ({ data }: RunSpec): string => (data.kind === 'pictures' ? data.key : '');

export type TrainingCalls = typeof handlers;

serve(handlers);
