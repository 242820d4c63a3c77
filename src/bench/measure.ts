/** Measures one case: all programs take turns, so that whatever slows the machine down slows all of them. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type BenchCase, describeCase } from './cases.js';
import { type Command, Contender, ContenderError } from './contender.js';
import type { Peer } from './peers.js';
import type { Ready } from './protocol.js';
import type { StepRequest } from './step-process.js';

export interface MeasureOptions {
  /** Timed steps of each program. */
  readonly steps: number;
  /** Threads of one operator; absent for one a core. */
  readonly threads?: number;
  readonly peers: readonly Peer[];
  /** Called with what is being done, in words. */
  readonly onProgress?: (doing: string) => void;
}

/** What one program was seen to do. */
export interface Measured {
  readonly ready: Ready;
  /** Of every timed step, by turn. */
  readonly turns: readonly (readonly number[])[];
  /** The largest resident set of its process. */
  readonly peakBytes: number;
}

export interface CaseMeasurement {
  readonly matmul: Measured;
  readonly vanilla: Measured;
  readonly tract: Measured;
  /** By the peer's name; a text where it failed. */
  readonly peers: Readonly<Record<string, Measured | string>>;
}

/** Timed steps in a row; before them comes one untimed step, which fills the caches again. */
const STEPS_A_TURN = 3;
/** Between turns, in milliseconds: the threads of a program wait for work busily for a while before they sleep. */
const PAUSE = 50;
const OWN_TIMEOUT = 600_000;
/** Slow peers are not waited for any longer. */
const PEER_TIMEOUT = 180_000;
/** A peer whose steps are slow takes fewer of them: as many as fit into this many milliseconds, but at least one. */
const PEER_BUDGET = 30_000;

interface Entrant {
  readonly name: string;
  readonly command: Command;
  /** Whose failure ends the measurement. */
  readonly own: boolean;
}

/** A program under way. */
class Running {
  readonly turns: (readonly number[])[] = [];
  readonly #contender: Contender;
  readonly #ready: Ready;
  readonly #timeout: number;
  #spent = 0;
  readonly #budget: number;

  constructor(contender: Contender, ready: Ready, own: boolean) {
    this.#contender = contender;
    this.#ready = ready;
    this.#timeout = own ? OWN_TIMEOUT : PEER_TIMEOUT;
    this.#budget = own ? Infinity : PEER_BUDGET;
  }

  async turn(steps: number): Promise<void> {
    const slow = this.#budget < Infinity && this.#ready.firstStepMilliseconds > this.#budget / 10;
    if (this.turns.length > 0 && this.#spent > this.#budget) return;
    await sleep(PAUSE);
    const started = performance.now();
    const turn = slow ? { warmUp: 0, steps: 1 } : { warmUp: 1, steps };
    this.turns.push(await this.#contender.turn(turn, this.#timeout));
    this.#spent += performance.now() - started;
  }

  async end(): Promise<Measured> {
    const { peakBytes } = await this.#contender.end(this.#timeout);
    return { ready: this.#ready, turns: this.turns, peakBytes };
  }
}

const ownProcess = (script: string, request: object): Command => ({
  program: process.execPath,
  parameters: [fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(request)],
});

/**
 * @throws ContenderError when a program of this project fails; a peer's failure is part of the result
 */
export async function measureCase(benchCase: BenchCase, options: MeasureOptions): Promise<CaseMeasurement> {
  const { steps, threads, peers, onProgress } = options;
  const step = (tract: boolean): Command => {
    const request: StepRequest = { name: benchCase.name, tract, threads };
    return ownProcess('step-process.js', request);
  };
  const entrants: Entrant[] = [
    { name: 'matmul', command: ownProcess('matmul-process.js', { threads }), own: true },
    { name: 'vanilla', command: step(false), own: true },
    { name: 'tract', command: step(true), own: true },
    ...peers.map(({ name, command }) => ({
      name,
      command: command(describeCase(benchCase, threads)),
      own: false,
    })),
  ];
  const contenders: Contender[] = [];
  const failures: Record<string, string> = {};
  const running = new Map<string, Running>();

  /** Lets an entrant do something; a peer that fails at it is out. */
  const attempt = async (entrant: Entrant, action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      if (entrant.own || !(error instanceof ContenderError)) throw error;
      failures[entrant.name] = error.message;
      running.delete(entrant.name);
    }
  };

  try {
    // One after the other: the time until the first step is to be that of a machine with nothing else to do.
    for (const entrant of entrants) {
      onProgress?.(`${benchCase.name}: starting ${entrant.name}`);
      await attempt(entrant, async () => {
        await sleep(PAUSE);
        const contender = new Contender(entrant.command);
        contenders.push(contender);
        const ready = await contender.ready(entrant.own ? OWN_TIMEOUT : PEER_TIMEOUT);
        running.set(entrant.name, new Running(contender, ready, entrant.own));
      });
    }
    for (let done = 0, round = 0; done < steps; done += STEPS_A_TURN, round++) {
      const count = Math.min(STEPS_A_TURN, steps - done);
      // Back and forth, so that a machine that grows slower or faster favours nobody.
      for (const entrant of round % 2 === 0 ? entrants : entrants.toReversed()) {
        onProgress?.(`${benchCase.name}: step ${done + count} of ${steps}, ${entrant.name}`);
        await attempt(entrant, async () => running.get(entrant.name)?.turn(count));
      }
    }
    const results: Record<string, Measured> = {};
    for (const entrant of entrants) {
      await attempt(entrant, async () => {
        const found = running.get(entrant.name);
        if (found) results[entrant.name] = await found.end();
      });
    }
    const { matmul, vanilla, tract, ...others } = results;
    return { matmul, vanilla, tract, peers: { ...others, ...failures } };
  } finally {
    await Promise.all(contenders.map((contender) => contender.kill()));
  }
}
