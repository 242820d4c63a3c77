/** On what the figures were taken. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly onnxruntime: string;
}

export function environment(): Environment {
  const manifest = readFileSync(
    new URL('../../node_modules/onnxruntime-node/package.json', import.meta.url),
    'utf8',
  );
  return {
    cpu: os.cpus().at(0)?.model.trim() ?? 'unknown processor',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${process.arch}`,
    node: process.version,
    onnxruntime: (JSON.parse(manifest) as { version: string }).version,
  };
}

export function describeEnvironment(found: Environment, threads: number | undefined): string {
  const { cpu, cores, memoryBytes, system, node, onnxruntime } = found;
  const gigabytes = (memoryBytes / 2 ** 30).toFixed(0);
  const pool = threads === undefined ? 'one thread a core' : `${threads} threads`;
  return [
    `${cpu}, ${cores} cores, ${gigabytes} GiB, ${system}`,
    `Node ${node.slice(1)}, onnxruntime-node ${onnxruntime}, ${pool}`,
  ].join('\n');
}
