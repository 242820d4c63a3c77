/**
 * Measures one case: all programs take turns, so that whatever slows the machine down slows all of them. Peers are
 * measured alone first, while no other program runs: some libraries were seen to be many times slower beside others.
 */
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
  /** Called with what is being done, in words. */
  readonly onProgress?: (doing: string) => void;
}

export interface CaseOptions extends MeasureOptions {
  /** Threads of one operator; absent for one a core. */
  readonly threads?: number;
  readonly peers: readonly Peer[];
}

/** What one program was seen to do. */
export interface Measured {
  readonly ready: Ready;
  /** Of every timed step, by turn. */
  readonly turns: readonly (readonly number[])[];
  /** The largest resident set of its process. */
  readonly peakBytes: number;
}

/** A text where the program failed. */
export type Outcome = Measured | string;

/** A text where it failed alone already. */
export type PeerMeasurement = string | PeerOutcomes;

export interface PeerOutcomes {
  /** While no other program ran. */
  readonly alone: Measured;
  /** Taking turns with the others. */
  readonly inTurns: Outcome;
}

export interface CaseMeasurement {
  readonly matmul: Measured;
  readonly vanilla: Measured;
  readonly tract: Measured;
  /** By the peer's name. */
  readonly peers: Readonly<Record<string, PeerMeasurement>>;
}

/** What is started to measure a case. */
export interface Programs {
  readonly matmul: Command;
  readonly vanilla: Command;
  readonly tract: Command;
  /** By the peer's name. */
  readonly peers: Readonly<Record<string, Command>>;
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

/** A program that takes turns with others. */
export interface Entrant {
  readonly name: string;
  readonly command: Command;
  /** Whose failure ends the measurement. */
  readonly own: boolean;
}

/** A program under way, which has made its first step. */
class Running {
  readonly turns: (readonly number[])[] = [];
  readonly #contender: Contender;
  readonly #ready: Ready;
  readonly #timeout: number;
  #spent = 0;
  readonly #budget: number;

  private constructor(contender: Contender, ready: Ready, own: boolean) {
    this.#contender = contender;
    this.#ready = ready;
    this.#timeout = own ? OWN_TIMEOUT : PEER_TIMEOUT;
    this.#budget = own ? Infinity : PEER_BUDGET;
  }

  static async start(contender: Contender, own: boolean): Promise<Running> {
    return new Running(contender, await contender.ready(own ? OWN_TIMEOUT : PEER_TIMEOUT), own);
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

/** The steps of each turn. */
function turnsOf(steps: number): number[] {
  return Array.from({ length: Math.ceil(steps / STEPS_A_TURN) }, (_, turn) =>
    Math.min(STEPS_A_TURN, steps - turn * STEPS_A_TURN),
  );
}

/** @throws ContenderError when a program of this project fails; a peer's failure is part of the result */
export function measureCase(benchCase: BenchCase, options: CaseOptions): Promise<CaseMeasurement> {
  const { steps, threads, peers, onProgress } = options;
  const step = (tract: boolean): Command => {
    const request: StepRequest = { name: benchCase.name, tract, threads };
    return ownProcess('step-process.js', request);
  };
  const description = describeCase(benchCase, threads);
  return measure(
    {
      matmul: ownProcess('matmul-process.js', { threads }),
      vanilla: step(false),
      tract: step(true),
      peers: Object.fromEntries(peers.map(({ name, command }) => [name, command(description)])),
    },
    { steps, onProgress: (doing) => onProgress?.(`${benchCase.name}: ${doing}`) },
  );
}

/** @throws ContenderError when a program other than a peer fails */
export async function measure(programs: Programs, options: MeasureOptions): Promise<CaseMeasurement> {
  const alone: Record<string, Outcome> = {};
  for (const [name, command] of Object.entries(programs.peers)) {
    options.onProgress?.(`${name}, alone`);
    alone[name] = await measureAlone(command, options.steps);
  }
  const entrants: Entrant[] = [
    ...(['matmul', 'vanilla', 'tract'] as const).map((name) => ({
      name,
      command: programs[name],
      own: true,
    })),
    ...Object.entries(programs.peers)
      .filter(([name]) => typeof alone[name] !== 'string')
      .map(([name, command]) => ({ name, command, own: false })),
  ];
  const { matmul, vanilla, tract, ...inTurns } = await measureInTurns(entrants, options);
  return {
    // The failure of any of these has been thrown.
    matmul: matmul as Measured,
    vanilla: vanilla as Measured,
    tract: tract as Measured,
    peers: Object.fromEntries(
      Object.entries(alone).map(([name, outcome]) => [
        name,
        typeof outcome === 'string' ? outcome : { alone: outcome, inTurns: inTurns[name] },
      ]),
    ),
  };
}

async function measureAlone(command: Command, steps: number): Promise<Outcome> {
  await sleep(PAUSE);
  const contender = new Contender(command);
  try {
    const running = await Running.start(contender, false);
    for (const count of turnsOf(steps)) await running.turn(count);
    return await running.end();
  } catch (error) {
    if (error instanceof ContenderError) return error.message;
    throw error;
  } finally {
    await contender.kill();
  }
}

/** @throws ContenderError when a program other than a peer fails; a peer's failure is part of the result */
export async function measureInTurns(
  entrants: readonly Entrant[],
  { steps, onProgress }: MeasureOptions,
): Promise<Record<string, Outcome>> {
  const contenders: Contender[] = [];
  const results: Record<string, Outcome> = {};
  const running = new Map<string, Running>();

  /** Lets an entrant do something; a peer that fails at it is out. */
  const attempt = async (entrant: Entrant, action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      if (entrant.own || !(error instanceof ContenderError)) throw error;
      results[entrant.name] = error.message;
      running.delete(entrant.name);
    }
  };

  try {
    // One after the other: the time until the first step is to be that of a machine with nothing else to do.
    for (const entrant of entrants) {
      onProgress?.(`starting ${entrant.name}`);
      await attempt(entrant, async () => {
        await sleep(PAUSE);
        const contender = new Contender(entrant.command);
        contenders.push(contender);
        running.set(entrant.name, await Running.start(contender, entrant.own));
      });
    }
    let done = 0;
    for (const [round, count] of turnsOf(steps).entries()) {
      done += count;
      // Back and forth, so that a machine that grows slower or faster favours nobody.
      for (const entrant of round % 2 === 0 ? entrants : entrants.toReversed()) {
        onProgress?.(`step ${done} of ${steps}, ${entrant.name}`);
        await attempt(entrant, async () => running.get(entrant.name)?.turn(count));
      }
    }
    for (const entrant of entrants) {
      await attempt(entrant, async () => {
        const found = running.get(entrant.name);
        if (found) results[entrant.name] = await found.end();
      });
    }
    return results;
  } finally {
    await Promise.all(contenders.map((contender) => contender.kill()));
  }
}
