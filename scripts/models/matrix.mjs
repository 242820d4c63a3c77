/**
 * The matrix of docs/models.md: models of PyTorch's packages and of Keras, through both exporters of each, as they are read
 * and trained here, against PyTorch and TensorFlow in float64.
 *
 *   npm run models -- [--python PYTHON] [--keras PYTHON] [--work FOLDER] [--json RESULTS]
 *     [--exports torchscript:training,…] [NAME… or given-back]
 *
 * Sets up two virtual environments from PyPI in the work folder, unless a Python is given that has requirements.txt, and
 * one that has keras-requirements.txt.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compile,
  exportTrainingStep,
  fromSafetensors,
  gradientGraph,
  loadModel,
  sgd,
  tensor,
  toSafetensors,
  tract,
  trainingGraph,
} from '../../dist/node.js';
import { Graph } from '../../dist/graph/graph.js';
import * as op from '../../dist/graph/ops.js';
import { stateName } from '../../dist/graph/state-names.js';
import { trace } from '../../dist/nn/model.js';
import { initialWeights, initialSlots } from '../../dist/train/initial-state.js';
import { givenBack } from './given-back.mjs';
import { writeMatrix } from './table.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    keras: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'tract-ts-models') },
    json: { type: 'string' },
    exports: {
      type: 'string',
      default:
        'torchscript:training,torchscript:inference,dynamo:training,dynamo:inference,' +
        'tf2onnx:training,tf2onnx:inference,keras:inference',
    },
    keep: { type: 'boolean', default: false },
  },
});

/** What exports models and says what they compute: a script, what it takes, and the exporters that it knows. */
const references = [
  {
    script: 'reference.py',
    environment: 'venv',
    requirements: 'requirements.txt',
    given: values.python,
    exporters: ['torchscript', 'dynamo'],
    has: (name) => !name.startsWith('keras_') && name !== 'given-back',
  },
  {
    script: 'keras_reference.py',
    environment: 'keras',
    requirements: 'keras-requirements.txt',
    given: values.keras,
    exporters: ['tf2onnx', 'keras'],
    has: (name) => name.startsWith('keras_'),
  },
];

/** A Python that has all it takes. */
function python({ environment, requirements, given }) {
  if (given) return given;
  const folder = join(values.work, environment);
  const found = join(folder, 'bin', 'python');
  if (!existsSync(found)) {
    const run = (command, parameters) => {
      const { status } = spawnSync(command, parameters, { stdio: 'inherit' });
      if (status !== 0) throw new Error(`${command} failed`);
    };
    run('python3', ['-m', 'venv', folder]);
    run(found, ['-m', 'pip', 'install', '-r', join(here, requirements)]);
  }
  return found;
}

/** ‖a − b‖ / ‖b‖ */
function distance(a, b) {
  if (a.length !== b.length) return Infinity;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (Number(a[i]) - Number(b[i])) ** 2;
    norm += Number(b[i]) ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / Math.max(norm, 1e-300));
}

const standardization = {
  mean: tensor('float32', [3], [0.5, 0.5, 0.5]),
  deviation: tensor('float32', [3], [0.25, 0.25, 0.25]),
};

/** The logits of a model in inference. */
async function inference(model, { images }) {
  const graph = new Graph();
  const pixels = graph.input('images', 'uint8', images.shape);
  const scaled = op.div(op.sub(op.div(op.cast(pixels, 'float32'), 255), 0.5), 0.25);
  const traced = trace(model, scaled, { training: false });
  graph.output('logits', traced.logits);
  return run(graph, { images, ...feeds(initialWeights(traced, 0)) });
}

const feeds = (state) =>
  Object.fromEntries(Object.entries(state).map(([name, value]) => [stateName(name), value]));

async function run(graph, inputs) {
  const program = await compile(graph, {});
  const results = await program.run(inputs);
  await program.release();
  return results;
}

const norm = (data) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
const STEP = tensor('float64', [], [1]);

/** The entries with a prefix, without it. */
const of = (prefix, tensors) =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );

/** With TrAct for the first layer; where the image reaches several at once, for the one that PyTorch runs first. */
function withTract(model, layer) {
  try {
    return tract(model);
  } catch (error) {
    if (!error.message.includes('name the one TrAct is for')) throw error;
    return tract(model, { layer });
  }
}

/** What is measured of one file. */
async function measure(path, interpreter) {
  const model = await loadModel(`${path}.onnx`);
  const { tensors } = fromSafetensors(readFileSync(`${path}.safetensors`));
  const { images, labels } = tensors;
  const batchSize = images.shape[0];
  const inputs = { images, labels, ...standardization };
  const rate = tensors.rate.data[0];
  const optimizer = sgd({ learningRate: rate });
  const step = trainingGraph(model, { batchSize, optimizer });
  const weights = initialWeights(step, 0);
  const wanted = of('gradient/', tensors);
  const unknown = [...step.parameters.keys()].filter((name) => !wanted[name]);
  const figures = {
    all: step.parameters.size,
    rate,
    compared: step.parameters.size - unknown.length,
    unknown,
    float32Gradients: Number(tensors['float32/gradients'].data[0]),
    float32Steps: Number(tensors['float32/steps'].data[0]),
    outputs: distance((await inference(model, tensors)).logits.data, tensors.logits.data),
  };

  const gradients = gradientGraph(model, { batchSize, optimizer });
  const found = await run(gradients.graph, { ...inputs, ...feeds(weights), step: STEP });
  figures.loss =
    Math.abs(Number(found['sum/loss'].data[0]) - tensors.losses.data[0]) / tensors.losses.data[0];
  // A gradient that is zero but for rounding is compared with the largest one.
  const scale = Math.max(...Object.values(wanted).map(({ data }) => norm(data)));
  for (const [name, { data }] of Object.entries(wanted)) {
    const difference = norm(found[`sum/gradient/${name}`].data.map((x, i) => x - data[i]));
    const error = difference / Math.max(norm(data), 1e-4 * scale);
    if (!(error <= (figures.gradients ?? 0))) Object.assign(figures, { gradients: error, worst: name });
  }

  const statistics = of('statistics/', tensors);
  const program = await compile(step.graph, {});
  let state = { ...weights, ...initialSlots(step, [], weights) };
  const losses = [];
  for (let i = 0; i < tensors.losses.data.length; i++) {
    const results = await program.run({
      ...inputs,
      ...feeds(state),
      learning_rate: tensor('float32', [], [rate]),
      step: tensor('float64', [], [i + 1]),
    });
    losses.push(Number(results.loss.data[0]));
    // What is no parameter of PyTorch's stays as it is.
    state = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [
        name,
        wanted[name] || statistics[name] ? results[`next/${name}`] : value,
      ]),
    );
    if (i === 0)
      for (const [name, { data }] of Object.entries(statistics))
        figures.statistics = Math.max(figures.statistics ?? 0, distance(state[name].data, data));
  }
  await program.release();
  figures.steps = Math.max(
    ...losses.map((loss, i) => Math.abs(loss - tensors.losses.data[i]) / tensors.losses.data[i]),
  );

  const files = { step: exportTrainingStep(model, { batchSize, optimizer }).onnx };
  const [transformed] = Object.entries(of('tract/', tensors));
  if (transformed) {
    const [name, { data }] = transformed;
    const given = withTract(model, name.replace(/\.weight$/, ''));
    // So large that the weights before the step are rounding beside it.
    const large = (100 * norm(weights[name].data)) / Math.max(norm(data), 1e-30);
    const results = await run(trainingGraph(given, { batchSize, optimizer }).graph, {
      ...inputs,
      ...feeds(weights),
      learning_rate: tensor('float32', [], [large]),
      step: STEP,
    });
    const gradient = weights[name].data.map((x, i) => (x - results[`next/${name}`].data[i]) / large);
    figures.tract = distance(gradient, data);
    files.tract = exportTrainingStep(given, { batchSize, optimizer }).onnx;
  }
  for (const [name, bytes] of Object.entries(files)) writeFileSync(`${path}.${name}.onnx`, bytes);
  writeFileSync(`${path}.state.safetensors`, toSafetensors({ tensors: weights, metadata: {} }));
  const double = spawnSync(interpreter, [join(here, 'double.py'), path], { encoding: 'utf8' });
  if (double.status === 0) figures.float64 = JSON.parse(double.stdout.trim().split('\n').at(-1));
  else figures.float64Error = double.stderr.trim().split('\n').at(-1).slice(0, 300);
  return figures;
}

mkdirSync(values.work, { recursive: true });
// What was measured before stays, but for the models that are measured again.
const results =
  values.json && existsSync(values.json)
    ? JSON.parse(readFileSync(values.json, 'utf8')).filter(
        ({ name }) => positionals.length > 0 && !positionals.includes(name),
      )
    : [];
for (const reference of references) {
  const names = positionals.filter(reference.has);
  const exports = values.exports
    .split(',')
    .filter((one) => reference.exporters.includes(one.split(':')[0]))
    .join();
  if (exports === '' || (positionals.length > 0 && names.length === 0)) continue;
  const interpreter = python(reference);
  const child = spawn(interpreter, [join(here, reference.script), values.work, exports, ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    // Exporters print to the same place.
    if (line.startsWith('{"name"')) await take(JSON.parse(line), interpreter);
  }
}
if (positionals.length === 0 || positionals.includes('given-back')) {
  const kept = results.filter(({ kind }) => kind !== 'back');
  results.splice(0, Infinity, ...kept, ...(await givenBack(values.work, python(references[0]))));
  if (values.json) writeFileSync(values.json, JSON.stringify(results));
}
writeMatrix(results);

/** Measures a file that is there. */
async function take({ error, ...described }, interpreter) {
  const result = { ...described, ...(error && { exportError: error }) };
  const path = join(values.work, `${described.name}.${described.exporter}.${described.mode}`);
  if (!error) {
    try {
      Object.assign(result, await measure(path, interpreter));
    } catch (problem) {
      result.readError = problem.message.slice(0, 600);
    }
    if (!values.keep)
      for (const ending of ['onnx', 'safetensors', 'step.onnx', 'tract.onnx', 'state.safetensors'])
        rmSync(`${path}.${ending}`, { force: true });
  }
  results.push(result);
  console.log(JSON.stringify(result));
  if (values.json) writeFileSync(values.json, JSON.stringify(results));
}
