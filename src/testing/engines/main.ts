/**
 * `npm run engines -- [--models resnet18,vit,mlp] [--operators NAME | none] [--steps 20] [--batch 16] [--write]`: what
 * training computes natively, on WebAssembly with one thread and two, and on WebGPU, side by side. With `--write` the
 * tables go into docs/engines.md. It takes many minutes where WebGPU is SwiftShader, and is no test of the suite.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { writeAtomically } from '../../data/atomic-write.js';
import { noBrowser } from '../browser.js';
import { BrowserEngines, type Engine, nativeEngine } from './engine.js';
import { compareOperators } from './operators.js';
import { type Outcome, operatorTable, trainingTable } from './report.js';
import { type TrainedName, trainedModels } from './training.js';

const DOCUMENT = fileURLToPath(new URL('../../../docs/engines.md', import.meta.url));
/** Comments in the document, behind which the tables of a part are, up to the next one. */
const markers = {
  training: '<!-- npm run engines: training -->',
  operators: '<!-- npm run engines: operators -->',
};
const END = '<!-- up to here -->';
/** For one model on one engine, or the gradients of some operators. */
const TIMEOUT = 60 * 60_000;

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: Object.keys(trainedModels).join(',') },
    operators: { type: 'string', default: '' },
    steps: { type: 'string', default: '20' },
    batch: { type: 'string', default: '16' },
    write: { type: 'boolean', default: false },
  },
});
const fail = (message: string): never => {
  console.error(`engines: ${message}`);
  process.exit(2);
};
const missing = noBrowser();
if (missing !== false) fail(missing);
const models = values.models.split(',').filter((name) => name !== '') as TrainedName[];
const unknown = models.find((name) => !Object.hasOwn(trainedModels, name));
if (unknown !== undefined)
  fail(`there is no model ${unknown}; there are ${Object.keys(trainedModels).join(', ')}`);
const [steps, batchSize] = [Number(values.steps), Number(values.batch)];
if (![steps, batchSize].every((value) => Number.isSafeInteger(value) && value >= 1))
  fail('--steps and --batch take whole numbers of at least 1');

const progress = (text: string): void => {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
};

/** The version of a package that is installed. */
const versionOf = (name: string): string =>
  (
    JSON.parse(
      readFileSync(
        fileURLToPath(new URL(`../../../node_modules/${name}/package.json`, import.meta.url)),
        'utf8',
      ),
    ) as { version: string }
  ).version;

const browser = await BrowserEngines.open(TIMEOUT);
try {
  const native = nativeEngine(1);
  const wasm = browser.engine('wasm, 1 thread', 'cpu', 1);
  const threaded = browser.engine('wasm, 2 threads', 'cpu', 2);
  const webgpu = browser.engine('WebGPU', 'webgpu', 1);
  const gpu = browser.adapter === undefined ? [] : [webgpu];
  const heading =
    `${os.cpus().at(0)?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} cores, ${os.type()} ${process.arch}; onnxruntime-node ${versionOf('onnxruntime-node')}, onnxruntime-web ${versionOf('onnxruntime-web')}, Chromium ${browser.version} without a window. ` +
    (browser.adapter === undefined
      ? 'This browser has no WebGPU adapter.'
      : `WebGPU's adapter: ${browser.adapter}.`);
  /** The document takes what there is after every part: whoever interrupts keeps it. */
  const emit = async (part: keyof typeof markers, sections: readonly string[]): Promise<void> => {
    const text = [heading, ...sections].join('\n\n');
    if (values.write) await writeTables(markers[part], text);
    else console.log(text);
  };
  if (values.operators !== 'none') {
    const engines = [native, wasm, ...gpu];
    const rows = await compareOperators(engines, values.operators, progress);
    await emit('operators', [
      operatorTable(
        rows,
        engines.map(({ title }) => title),
      ),
    ]);
  }
  const sections: string[] = [];
  for (const name of models) {
    const outcomes = new Map<string, Outcome>();
    for (const engine of [native, wasm, threaded, ...gpu]) {
      progress(`${name} on ${engine.title}`);
      outcomes.set(engine.title, await attempt(engine, name));
    }
    sections.push(trainingTable(`${trainedModels[name].title}, batch ${batchSize}`, outcomes));
    if (values.write) await emit('training', sections);
  }
  if (!values.write && models.length > 0) await emit('training', sections);
} finally {
  await browser.close();
}

/** Puts tables in their place in the document. */
async function writeTables(marker: string, tables: string): Promise<void> {
  const document = readFileSync(DOCUMENT, 'utf8');
  const before = document.indexOf(marker) + marker.length;
  const after = document.indexOf(END, before);
  const text = `${document.slice(0, before)}\n\n${tables}\n\n${document.slice(after)}`;
  const style = await resolveConfig(DOCUMENT);
  await writeAtomically(DOCUMENT, await format(text, { ...style, filepath: DOCUMENT }));
}

async function attempt(engine: Engine, model: TrainedName): Promise<Outcome> {
  try {
    return await engine.train({ model, batchSize, steps });
  } catch (error) {
    return (error as Error).message;
  }
}
