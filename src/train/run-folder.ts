/**
 * A run's folder: `config.json`, `metrics.jsonl` (a line for every step and every epoch), `last.safetensors` and, where
 * validation images chose one, `best.safetensors`; and, while a process writes to it, `.lock`.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GraphError } from '../graph/graph.js';
import { isFileModel } from '../models/file-model-options.js';
import type { Model } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { SafetensorsError } from '../tensor/safetensors.js';
import { type FileSystem, OutputError, outputError, writeAtomically } from '../data/atomic-write.js';
import { type Checkpoint, fromCheckpoint, toCheckpoint, weightsOf } from './checkpoint.js';
import { checkFinite } from './divergence.js';
import type { TrainingEvent } from './events.js';
import { ExclusiveFolder } from './exclusive-folder.js';
import { CheckpointError } from './json-check.js';
import { FILE_MODEL, SOURCE_FILE, modelOfRun } from './load-model.js';
import { knownMetrics } from './metrics-line.js';
import type { Progress } from './progress.js';
import type { RunConfig } from './run-config.js';
import { StateError } from './state.js';
import { checkWeights } from './step-graph.js';

/** Of the last step that was saved, or of the epoch that is best on validation images. */
export type CheckpointKind = 'last' | 'best';

/** A folder that a new run was to write to, but which holds one already. */
export class RunExistsError extends OutputError {}

/** A folder that a run writes to; no other process does so at the same time. `close` lets go of it. */
export class RunFolder {
  readonly path: string;
  readonly #folder: ExclusiveFolder;
  readonly #files: FileSystem | undefined;
  /** What a new run has written. */
  readonly #written: Set<string> | undefined;
  #metrics: number | undefined;

  private constructor(folder: ExclusiveFolder, isNew: boolean, files?: FileSystem) {
    this.path = folder.path;
    this.#folder = folder;
    this.#files = files;
    if (isNew) this.#written = new Set();
  }

  /**
   * Makes the folder of a new run, and makes sure that it can be written to. A run that was killed before its first
   * step is not in the way: it is replaced.
   *
   * @param files stands in for the file system in tests
   * @throws OutputError where that fails, where another process has the folder, or where a run is in it already
   */
  static async create(path: string, files?: FileSystem): Promise<RunFolder> {
    const folder = await ExclusiveFolder.open(path);
    const last = join(path, 'last.safetensors');
    try {
      if (await exists(last)) {
        if (!(await isOfNoStep(path, last))) {
          throw new RunExistsError(`${path} holds a run already; go on with it, or choose another folder`);
        }
        await rm(last);
      }
    } catch (error) {
      await folder.close();
      throw outputError(error, path);
    }
    return new RunFolder(folder, true, files);
  }

  /** Makes a folder for a new run, of the first name that is not taken: `name`, `name-2`, `name-3`, … */
  static async createFresh(name: string): Promise<RunFolder> {
    for (let number = 1; ; number++) {
      const path = number === 1 ? name : `${name}-${number}`;
      if (await exists(path)) continue;
      try {
        const folder = await ExclusiveFolder.open(path);
        if (folder.isNew) return new RunFolder(folder, true);
        await folder.close();
      } catch (error) {
        // Unless another process was faster.
        if (!(await exists(path))) throw error;
      }
    }
  }

  /**
   * The folder of a run that goes on. Read its checkpoint after this: before, another process may still write to it.
   *
   * @throws OutputError where another process has the folder, or it cannot be written to
   */
  static async resume(path: string, files?: FileSystem): Promise<RunFolder> {
    if (!(await exists(path))) throw new OutputError(`there is no folder ${path} for a run to go on in`);
    return new RunFolder(await ExclusiveFolder.open(path), false, files);
  }

  /** The path of a checkpoint. */
  file(kind: CheckpointKind): string {
    return join(this.path, `${kind}.safetensors`);
  }

  /**
   * Begins writing: the configuration, and the metrics up to where the run stands. What a run that goes on had
   * written after its last checkpoint is dropped, since it will be written again.
   *
   * @param model the one that is trained; if it is out of a file, the file is kept
   * @throws OutputError naming the path and the way out
   */
  async begin(config: RunConfig, progress: Progress, model?: Model): Promise<void> {
    const source = model && isFileModel(model) ? model.file.bytes : undefined;
    if (source && !((await exists(join(this.path, SOURCE_FILE))) && progress.step > 0))
      await this.#write(SOURCE_FILE, source);
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

  /** Writes a file for people beside the run's own. @throws OutputError naming the path and the way out */
  async write(name: string, content: string): Promise<string> {
    await this.#write(name, content);
    return join(this.path, name);
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
    this.#syncMetrics();
    await this.#write(`${kind}.safetensors`, toCheckpoint(checkpoint));
    return this.file(kind);
  }

  /** Ends writing, and lets go of the folder; one that was made for the run, and holds nothing, is removed. */
  async close(): Promise<void> {
    if (this.#metrics !== undefined) closeSync(this.#metrics);
    this.#metrics = undefined;
    await this.#folder.close();
  }

  /** Ends a new run that nothing came of: what it has written is removed. Of a run that goes on nothing is. */
  async discard(): Promise<void> {
    for (const name of this.#written ?? []) await rm(join(this.path, name), { force: true });
    await this.close();
  }

  /** After a power failure no line may be missing that a checkpoint stands for. */
  #syncMetrics(): void {
    try {
      if (this.#metrics !== undefined) fsyncSync(this.#metrics);
    } catch (error) {
      throw outputError(error, join(this.path, 'metrics.jsonl'));
    }
  }

  async #write(name: string, content: Uint8Array | string): Promise<void> {
    await this.#folder.confirm();
    this.#written?.add(name);
    await writeAtomically(join(this.path, name), content, this.#files);
  }
}

/** Whether a checkpoint is of a run that made no step. */
async function isOfNoStep(folder: string, checkpoint: string): Promise<boolean> {
  try {
    const { state } = await readCheckpoint(checkpoint);
    // Steps after the checkpoint are in the metrics only.
    const metrics = await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch(() => '');
    return state.progress.step === 0 && !metrics.includes('"event":"step"');
  } catch (error) {
    // Whatever it is, it is not for us to remove.
    if (error instanceof CheckpointError) return false;
    throw error;
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
  const checkpoint = describing(path, () => fromCheckpoint(bytes));
  const { config, state } = checkpoint;
  if (config.model.name !== FILE_MODEL) return checkpoint;
  const source = join(dirname(path), SOURCE_FILE);
  // A checkpoint that was copied away from it still has its weights.
  if (!(await exists(source))) return checkpoint;
  try {
    const model = await modelOfRun(source, config.model);
    checkWeights(model, weightsOf(state));
    return { ...checkpoint, model };
  } catch (error) {
    if (error instanceof GraphError || error instanceof OptionError)
      throw new CheckpointError(`${path} cannot be used: ${error.message}`, { cause: error });
    throw describedError(path, error);
  }
}

/**
 * Reads the checkpoint that a path means: the file itself, or what a run's folder is for: its best one, where validation
 * images chose one, else its last.
 *
 * @returns the checkpoint, and its file
 * @throws CheckpointError naming the file and what is wrong with it
 */
export async function readKeptCheckpoint(path: string): Promise<Checkpoint & { readonly file: string }> {
  const file = await findCheckpoint(path, ['best', 'last']);
  const checkpoint = await readCheckpoint(file);
  if (file === path || checkpoint.config.data.validationImages !== undefined) return { file, ...checkpoint };
  // A best one without validation images is of a version that chose it on the test images: its figure on them would
  // be too good.
  const last = await findCheckpoint(path, ['last', 'best']);
  return { file: last, ...(last === file ? checkpoint : await readCheckpoint(last)) };
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
    throw describedError(path, error);
  }
}

/** An error about what a file holds, with the name of the file; errors of another kind come back as they are. */
export function describedError(path: string, error: unknown): unknown {
  const about = [SafetensorsError, CheckpointError, StateError];
  if (!(error instanceof Error && about.some((type) => error instanceof type))) return error;
  return new CheckpointError(`${path} cannot be used: ${error.message}`, { cause: error });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
