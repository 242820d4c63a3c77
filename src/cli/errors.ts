/** From an error to what the user reads, and to the exit code. */
import { CommanderError } from 'commander';
import { DataError } from '../data/data-error.js';
import { MissingPackageError } from '../data/optional-package.js';
import { DeviceError } from '../engine/device.js';
import { ProcessGroupError } from '../engine/process-group.js';
import { AnyBatchError } from '../graph/any-batch.js';
import { GraphError } from '../graph/graph.js';
import { HeadError } from '../models/file-head.js';
import { OptionError } from '../tensor/option-error.js';
import { SafetensorsError } from '../tensor/safetensors.js';
import { FirstLayerError } from '../tract/first-layer.js';
import { OutputError, outputError } from '../data/atomic-write.js';
import { DivergenceError } from '../train/divergence.js';
import { FolderInUseError } from '../train/exclusive-folder.js';
import { CheckpointError } from '../train/json-check.js';
import { RunExistsError } from '../train/run-folder.js';
import { StateError } from '../train/state.js';

/** Something about the command line that no parser of a single flag can see. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Errors whose message is a sentence for the user. */
const known = [
  CheckpointError,
  DataError,
  DeviceError,
  DivergenceError,
  FirstLayerError,
  GraphError,
  MissingPackageError,
  OptionError,
  OutputError,
  ProcessGroupError,
  SafetensorsError,
  StateError,
  UsageError,
];

/** The flags that a way out is taken by, where the library speaks of options. */
const flagsOf = (error: Error): string => {
  if (error instanceof DeviceError) return ' (--device)';
  if (error instanceof HeadError) return ' (--head)';
  if (error instanceof AnyBatchError) return ' (--batch-size)';
  if (error instanceof RunExistsError) return ' (--resume, --out)';
  if (error instanceof FirstLayerError && error.canBeNamed) return ' (--tract-layer)';
  return error instanceof FolderInUseError ? ' (--out)' : '';
};

/** Exit codes: 0 all is well, 1 it failed, 2 the command line is wrong, 128 + n ended by signal n. */
export interface Failure {
  /** Lines for stderr. */
  readonly message: readonly string[];
  readonly exitCode: number;
}

/** What to print on stderr for an error, and how to exit. */
export function failureOf(error: unknown): Failure {
  // Commander has printed its own message by then.
  if (error instanceof CommanderError) return { message: [], exitCode: error.exitCode === 0 ? 0 : 2 };
  const cause = outputError(error, (error as NodeJS.ErrnoException | null)?.path ?? 'a file');
  if (known.some((type) => cause instanceof type)) {
    const { message } = cause as Error;
    const usage = cause instanceof UsageError || cause instanceof OptionError;
    return { message: [`error: ${message}${flagsOf(cause as Error)}`], exitCode: usage ? 2 : 1 };
  }
  if (isOutOfMemory(error)) {
    return {
      message: [
        'error: the memory does not suffice for this; a smaller batch (--batch-size) or a smaller model takes less',
      ],
      exitCode: 1,
    };
  }
  return {
    message: [
      ...trace(error),
      'This is an error in tract-ts itself; please report it with the lines above and the command.',
    ],
    exitCode: 1,
  };
}

/** As ONNX Runtime, C++ and JavaScript say it. */
function isOutOfMemory(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return /Failed to allocate memory|std::bad_alloc|Array buffer allocation failed/.test(message);
}

/** What was thrown, and where: the message is one line, whatever it holds. */
function trace(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const headline = String(error);
  const stack = error.stack ?? '';
  const frames = stack.startsWith(headline) ? stack.slice(headline.length) : '';
  return [headline, ...frames.split('\n').filter((line) => line.trim() !== '')];
}
