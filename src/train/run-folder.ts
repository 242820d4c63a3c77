/**
 * A run's folder: `config.json`, `metrics.jsonl` (a line for every step and every epoch), `last.safetensors` and
 * `best.safetensors`.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SafetensorsError } from '../tensor/safetensors.js';
import { type FileSystem, OutputError, outputError, writeAtomically } from './atomic-write.js';
import { type Checkpoint, fromCheckpoint, toCheckpoint } from './checkpoint.js';
import { checkFinite } from './divergence.js';
import type { TrainingEvent } from './events.js';
import { CheckpointError } from './json-check.js';
import { parseMetricsLine } from './metrics-line.js';
import type { Progress } from './progress.js';
import type { RunConfig } from './run-config.js';

export type CheckpointKind = 'last' | 'best';

/** A folder that a run writes to. */
export class RunFolder {
  readonly path: string;
  readonly #files: FileSystem | undefined;
  #metrics: number | undefined;
  /** Whether the folder was not there before. */
  #made = false;

  private constructor(path: string, files?: FileSystem) {
    this.path = path;
    this.#files = files;
  }

  /**
   * Makes the folder of a new run, and makes sure that it can be written to.
   *
   * @param files stands in for the file system in tests
   * @throws OutputError where that fails, or where a run is in the folder already
   */
  static async create(path: string, files?: FileSystem): Promise<RunFolder> {
    const folder = new RunFolder(path, files);
    if (await exists(folder.file('last'))) {
      throw new OutputError(
        `${path} holds a run already; continue it with --resume ${path}, or choose another folder with --out`,
      );
    }
    try {
      folder.#made = await makeFolder(path);
    } catch (error) {
      throw outputError(error, path);
    }
    return folder;
  }

  /** The folder of a run that goes on. */
  static resume(path: string, files?: FileSystem): RunFolder {
    return new RunFolder(path, files);
  }

  /** The path of a checkpoint. */
  file(kind: CheckpointKind): string {
    return join(this.path, `${kind}.safetensors`);
  }

  /**
   * Begins writing: the configuration, and the metrics up to where the run stands. What a run that goes on had
   * written after its last checkpoint is dropped, since it will be written again.
   *
   * @throws OutputError naming the path and the way out
   */
  async begin(config: RunConfig, progress: Progress): Promise<void> {
    await this.#write('config.json', `${JSON.stringify(config, null, 2)}\n`);
    const path = join(this.path, 'metrics.jsonl');
    const before = progress.step === 0 ? '' : await readFile(path, 'utf8').catch(() => '');
    await this.#write('metrics.jsonl', knownMetrics(before, progress));
    try {
      this.#metrics = openSync(path, 'a');
    } catch (error) {
      throw outputError(error, path);
    }
  }

  /** Appends a line to the metrics. @throws OutputError naming the path and the way out */
  record(event: TrainingEvent): void {
    if (this.#metrics === undefined) throw new Error('begin() comes before record()');
    try {
      writeSync(this.#metrics, `${JSON.stringify(event)}\n`);
    } catch (error) {
      throw outputError(error, join(this.path, 'metrics.jsonl'));
    }
  }

  /**
   * Writes a checkpoint; the one it replaces is there until it is complete.
   *
   * @returns its path
   * @throws DivergenceError when the state holds a number that is none
   * @throws OutputError naming the path and the way out
   */
  async save(kind: CheckpointKind, checkpoint: Checkpoint): Promise<string> {
    const { tensors, progress } = checkpoint.state;
    checkFinite(tensors, progress.step);
    const path = this.file(kind);
    await writeAtomically(path, toCheckpoint(checkpoint), this.#files);
    return path;
  }

  /** Ends writing; a folder that was made for the run, and that nothing was written to, is removed. */
  async close(): Promise<void> {
    if (this.#metrics !== undefined) closeSync(this.#metrics);
    this.#metrics = undefined;
    // Refused by the system where the folder holds anything.
    if (this.#made) await rmdir(this.path).catch(() => undefined);
  }

  async #write(name: string, text: string): Promise<void> {
    await writeAtomically(join(this.path, name), text, this.#files);
  }
}

/**
 * Makes a folder and those around it; false if it is there already. Not Node's recursive mkdir: it never ends in a
 * place like /proc, where a folder exists but takes none.
 */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return false;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || (await exists(parent))) throw error;
  }
  await makeFolder(dirname(path));
  return makeFolder(path);
}

/** The lines of a run's metrics that belong to what a checkpoint knows of. */
export function knownMetrics(text: string, progress: Progress): string {
  return text
    .split('\n')
    .filter((line) => {
      const known = parseMetricsLine(line);
      if (!known) return false;
      const { event, step, epoch } = known;
      if (event === 'epoch') return epoch! <= progress.epoch;
      // An evaluation that was due where the run goes on is made again.
      return event === 'step' ? step <= progress.step : step < progress.step;
    })
    .map((line) => `${line}\n`)
    .join('');
}

/** Makes a folder for a new run whose name is not taken: `name`, `name-2`, `name-3`, … */
export async function freshRunFolder(name: string): Promise<string> {
  for (let number = 1; ; number++) {
    const path = number === 1 ? name : `${name}-${number}`;
    if (!(await exists(path))) return path;
  }
}

/**
 * The checkpoint that a path means: the file itself, or in a run's folder the first of `kinds` that is there.
 *
 * @throws CheckpointError where there is none
 */
export async function findCheckpoint(path: string, kinds: readonly CheckpointKind[]): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isDirectory()) return path;
  for (const kind of found ? kinds : []) {
    const file = join(path, `${kind}.safetensors`);
    if (await exists(file)) return file;
  }
  throw new CheckpointError(
    found
      ? `${path} is no folder of a run: it holds no ${kinds.map((kind) => `${kind}.safetensors`).join(' and no ')}`
      : `there is no run or checkpoint ${path}`,
  );
}

/**
 * Reads a checkpoint.
 *
 * @throws CheckpointError naming the file and what is wrong with it
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readBytes(path);
  return describing(path, () => fromCheckpoint(bytes));
}

/** A file's bytes. @throws CheckpointError naming the file */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CheckpointError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Puts the name of the file in front of what is wrong with it. */
export function describing<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SafetensorsError || error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${path} cannot be used: ${error.message}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
