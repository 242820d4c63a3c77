/** The two Pythons of the matrix, and what they are asked. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Conversation } from './processes.mjs';

export const here = fileURLToPath(new URL('.', import.meta.url));

/** What exports models and says what they compute: a script, what it takes, and the exporters that it knows. */
export const references = [
  {
    script: 'reference.py',
    option: 'python',
    requirements: 'requirements.txt',
    exporters: ['torchscript', 'dynamo'],
    has: (name) => !name.startsWith('keras_'),
  },
  {
    script: 'keras_reference.py',
    option: 'keras',
    requirements: 'keras-requirements.txt',
    exporters: ['tf2onnx', 'keras'],
    has: (name) => name.startsWith('keras_'),
  },
];

/**
 * A Python with all it takes: the one that was given, or that of a virtual environment in the work folder. One whose
 * installation was interrupted, or is of other requirements, is completed.
 */
export function pythonOf({ option, requirements }, { work, ...given }) {
  if (given[option]) return given[option];
  const folder = join(work, option);
  const found = join(folder, 'bin', 'python');
  const stamp = join(folder, 'installed.txt');
  const list = join(here, requirements);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === readFileSync(list, 'utf8')) return found;
  const run = (command, parameters) => {
    const { status, error } = spawnSync(command, parameters, { stdio: 'inherit' });
    if (status !== 0)
      throw new Error(
        `${command} ${parameters.slice(0, 3).join(' ')} failed${error ? `: ${error.message}` : ''}`,
      );
  };
  run('python3', ['-m', 'venv', folder]);
  run(found, ['-m', 'pip', 'install', '-r', list]);
  writeFileSync(stamp, readFileSync(list));
  return found;
}

/** Talks to a reference; the first answer says which models it has, and of which packages. */
export const ask = (reference, python, folder) =>
  new Conversation(python, [join(here, reference.script), folder]);
