/**
 * The matrix of docs/models.md: models of PyTorch's packages and of Keras, through both exporters of each, as they are read
 * and trained here, against PyTorch and TensorFlow in float64.
 *
 *   npm run models -- [--json RESULTS] [--again] [--limit SECONDS] [--work FOLDER] [--python PYTHON] [--keras PYTHON]
 *     [--exports torchscript:training,…] [--keep] [NAME… or given-back]
 *
 * Measures what RESULTS (docs/models.json) does not have yet, or, with --again, all that is named. Each result is written
 * at once, so whoever stops this goes on with the same command. What takes longer than a limit, for each of three parts,
 * is in the table as such. The ONNX files stay in the work folder with --keep.
 *
 * Sets up two virtual environments from PyPI in the work folder, unless a Python is given that has requirements.txt, and
 * one that has keras-requirements.txt.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ask, here, pythonOf, references } from './environments.mjs';
import { CASES, backOf, givenBack } from './given-back.mjs';
import { answerOf, endAll } from './processes.mjs';
import { Results } from './results.mjs';
import { DRAWS, verdict, within, writeMatrix } from './table.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    keras: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'tract-ts-models') },
    json: { type: 'string', default: fileURLToPath(new URL('../../docs/models.json', import.meta.url)) },
    limit: { type: 'string', default: '600' },
    again: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    exports: {
      type: 'string',
      default:
        'torchscript:training,torchscript:inference,dynamo:training,dynamo:inference,' +
        'tf2onnx:training,tf2onnx:inference,keras:inference',
    },
  },
});
const limit = Number(values.limit);
const exports = values.exports.split(',').map((one) => one.split(':'));
const named = (name) => positionals.length === 0 || positionals.includes(name);
const results = new Results(values.json);
const wanted = (one) => values.again || !results.has(one);

/** What a file is measured by: in float32, and, where that goes well, in float64. */
async function measure(path, python, conversation) {
  const figures = await answerOf(process.execPath, [join(here, 'measure.mjs'), path], limit).catch(
    ({ message }) => ({ readError: message.replaceAll(`${values.work}/`, '').slice(0, 600) }),
  );
  if (figures.readError) return figures;
  if (!within(figures)) {
    const worst = await conversation.ask(`rounded ${DRAWS}`, limit).catch(() => ({}));
    if (worst.gradients !== undefined) {
      figures.float32Gradients = Math.max(figures.float32Gradients, worst.gradients);
      figures.float32Steps = Math.max(figures.float32Steps, worst.steps);
      figures.rounded = true;
    }
  }
  const double = await answerOf(python, [join(here, 'double.py'), path], limit).then(
    (float64) => ({ float64 }),
    ({ message }) => ({ float64Error: message.slice(0, 300) }),
  );
  return { ...figures, ...double };
}

/** Exports a model and measures the file. */
async function take(file, conversation, python) {
  const begin = Date.now();
  const { name, exporter, mode } = file;
  const path = join(values.work, `${name}.${exporter}.${mode}`);
  const exported = await conversation
    .ask(`${name} ${exporter} ${mode}`, limit)
    .catch(({ message }) => ({ error: message }));
  const figures = exported.error
    ? { exportError: exported.error }
    : await measure(path, python, conversation);
  const endings = ['safetensors', 'step.onnx', 'tract.onnx', 'state.safetensors', 'wanted.safetensors'];
  for (const ending of values.keep ? endings : ['onnx', ...endings])
    rmSync(`${path}.${ending}`, { force: true });
  return { ...file, ...figures, seconds: (Date.now() - begin) / 1000 };
}

/** All files of a reference that are named and not there yet. */
async function matrixOf(reference) {
  const names = positionals.filter((name) => name !== 'given-back' && reference.has(name));
  const chosen = exports.filter(([exporter]) => reference.exporters.includes(exporter));
  if (chosen.length === 0 || (positionals.length > 0 && names.length === 0)) return;
  const python = pythonOf(reference, values);
  const conversation = ask(reference, python, values.work);
  try {
    const { models, versions } = await conversation.greeting();
    const unknown = names.filter((name) => !models[name]);
    if (unknown.length > 0)
      throw new Error(
        `no model is called ${unknown.join(', ')}; there are ${Object.keys(models).join(', ')}`,
      );
    const files = (names.length > 0 ? names : Object.keys(models))
      .flatMap((name) =>
        chosen.map(([exporter, mode]) => ({ name, family: models[name], exporter, mode, versions })),
      )
      .filter(wanted);
    for (const [i, file] of files.entries()) {
      const result = await take(file, conversation, python);
      results.add(result);
      const { name, exporter, mode, seconds } = result;
      console.log(
        `${i + 1} of ${files.length}: ${name}, ${exporter}, ${mode}: ${verdict(result)} (${seconds.toFixed(0)} s)`,
      );
    }
  } finally {
    conversation.end();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    endAll();
    console.error('Stopped; the same command goes on from here.');
    process.exit(1);
  });
mkdirSync(values.work, { recursive: true });
try {
  for (const reference of references) await matrixOf(reference);
  if (named('given-back'))
    for (const one of CASES.filter((model) => backOf(model).some(wanted)))
      for (const result of await givenBack(one, values.work, (of) => pythonOf(of, values), limit)) {
        results.add(result);
        const { name, from, error, onnxruntime, pytorch, pytorchError } = result;
        console.log(
          `${name}, ${from}, given back: ${error ?? `ONNX Runtime ${onnxruntime}, PyTorch ${pytorch ?? pytorchError}`}`,
        );
      }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
endAll();
await writeMatrix(results.all);
