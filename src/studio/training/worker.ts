/** The worker that trains: everything that computes with a model happens here. */
import type { Catalog } from '../pictures/catalog.js';
import { serve, tell } from '../rpc.js';
import type { RunSpec, RunStatus, RunTold } from '../run-spec.js';
import { prepare, removeOthers } from './prepare.js';
import { Session, type RunFiles } from './session.js';
import { threads } from './threads.js';

let session: Session | undefined;

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
    await session?.close();
    session = undefined;
    let last = 0;
    try {
      return await prepare(catalog, size, (done, total) => {
        if (performance.now() - last < 200 && done < total) return;
        last = performance.now();
        const what = `Preparing pictures: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}…`;
        tell({ told: 'doing', what } satisfies RunTold);
      });
    } finally {
      tell({ told: 'doing', what: null } satisfies RunTold);
    }
  },

  async begin(spec: RunSpec, files: RunFiles): Promise<void> {
    await session?.close();
    session = undefined;
    session = await Session.begin(spec, files);
    // What was decoded for the run before, which is replaced now.
    await removeOthers(spec.data.kind === 'pictures' ? spec.data.key : '');
    session.run();
  },

  run: () => session?.run(),
  pause: () => session?.pause(),
  stepOnce: () => session?.stepOnce(),

  /** Ends the run, and forgets it. */
  async forget(): Promise<void> {
    await session?.close();
    session = undefined;
    await Session.forget();
  },
};

export type TrainingCalls = typeof handlers;

serve(handlers);
