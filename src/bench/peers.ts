/** The same step in other libraries, where they are installed: the programs in bench/peers. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { CaseDescription } from './cases.js';
import type { Command } from './contender.js';

export interface Peer {
  readonly name: string;
  readonly command: (description: CaseDescription) => Command;
}

export interface MissingPeer {
  readonly name: string;
  /** What to do about it. */
  readonly advice: string;
}

const folder = fileURLToPath(new URL('../../bench/peers/', import.meta.url));

/** Interpreters that may have PyTorch. Debian's packages belong to /usr/bin/python3, which may not be the first in the path. */
const pythons = process.env.PYTHON === undefined ? ['python3', '/usr/bin/python3'] : [process.env.PYTHON];

const pytorch = (python: string): Peer => ({
  name: 'PyTorch',
  command: (description) => ({
    program: python,
    parameters: [`${folder}pytorch.py`, JSON.stringify(description)],
  }),
});

const node = (name: string, script: string): Peer => ({
  name,
  command: (description) => ({
    program: process.execPath,
    parameters: [`${folder}${script}`, JSON.stringify(description)],
  }),
});

/** Looks for each peer's library. */
export function findPeers(): { installed: readonly Peer[]; missing: readonly MissingPeer[] } {
  const installed: Peer[] = [];
  const missing: MissingPeer[] = [];
  const python = pythons.find((one) => spawnSync(one, ['-c', 'import torch']).status === 0);
  if (python !== undefined) installed.push(pytorch(python));
  else {
    missing.push({
      name: 'PyTorch',
      advice: `${pythons.join(' and ')} cannot import torch; apt install python3-torch (Debian, Ubuntu) or pip install torch; PYTHON names another interpreter`,
    });
  }
  for (const [name, script, library] of [
    ['TensorFlow.js', 'tfjs.mjs', '@tensorflow/tfjs'],
    ['jax-js', 'jax-js.mjs', '@jax-js/jax'],
  ] as const) {
    if (existsSync(`${folder}node_modules/${library}`)) installed.push(node(name, script));
    else missing.push({ name, advice: 'npm install --prefix bench/peers' });
  }
  return { installed, missing };
}
