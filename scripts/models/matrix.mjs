/**
 * The matrix of docs/models.md: models of PyTorch's packages, through both of its exporters, as they are read and trained
 * here, against PyTorch in float64.
 *
 *   npm run models -- [--python PYTHON] [--work FOLDER] [--json RESULTS]
 *     [--exports torchscript:training,…] [NAME…]
 *
 * Sets up a virtual environment from PyPI in the work folder, unless a Python is given that has requirements.txt.
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
  fromSafetensors,
  gradientGraph,
  loadModel,
  sgd,
  tensor,
  tract,
  trainingGraph,
} from '../../dist/node.js';
import { initialWeights, initialSlots } from '../../dist/train/initial-state.js';
import { writeMatrix } from './table.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'tract-ts-models') },
    json: { type: 'string' },
    exports: {
      type: 'string',
      default: 'torchscript:training,torchscript:inference,dynamo:training,dynamo:inference',
    },
    keep: { type: 'boolean', default: false },
  },
});

/** A Python that has all it takes. */
function python() {
  if (values.python) return values.python;
  const environment = join(values.work, 'venv');
  const found = join(environment, 'bin', 'python');
  if (!existsSync(found)) {
    const run = (command, parameters) => {
      const { status } = spawnSync(command, parameters, { stdio: 'inherit' });
      if (status !== 0) throw new Error(`${command} failed`);
    };
    run('python3', ['-m', 'venv', environment]);
    run(found, ['-m', 'pip', 'install', '-r', join(here, 'requirements.txt')]);
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

const RATE = 0.001;
const standardization = {
  mean: tensor('float32', [3], [0.5, 0.5, 0.5]),
  deviation: tensor('float32', [3], [0.25, 0.25, 0.25]),
};

/** What is measured of one file. */
async function measure(path) {
  const model = await loadModel(`${path}.onnx`);
  const { tensors } = fromSafetensors(readFileSync(`${path}.safetensors`));
  const batchSize = tensors.images.shape[0];
  const inputs = { images: tensors.images, labels: tensors.labels, ...standardization };
  const optimizer = sgd({ learningRate: RATE });
  const feeds = (state) =>
    Object.fromEntries(Object.entries(state).map(([name, value]) => [`state/${name}`, value]));
  const run = async (graph, more) => {
    const program = await compile(graph, {});
    const results = await program.run({ ...inputs, ...more });
    await program.release();
    return results;
  };
  const step = trainingGraph(model, { batchSize, optimizer });
  const weights = initialWeights(step, 0);
  const figures = {
    parameters: step.parameters.size,
    float32Gradients: Number(tensors['float32/gradients'].data[0]),
    float32Steps: Number(tensors['float32/steps'].data[0]),
  };

  // In inference the file's own outputs; a file for training normalises by the statistics of the batch there.
  const gradients = gradientGraph(model, { batchSize, optimizer });
  gradients.graph.output('logits', gradients.logits);
  const found = await run(gradients.graph, feeds(weights));
  figures.outputs = distance(found.logits.data, tensors.logits.data);
  figures.loss =
    Math.abs(Number(found['sum/loss'].data[0]) - tensors.losses.data[0]) / tensors.losses.data[0];
  let [worst, compared, all] = [0, 0, 0];
  // A gradient that is zero but for rounding is compared with the largest one.
  const norm = (data) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
  const known = Object.keys(tensors).filter((name) => name.startsWith('gradient/'));
  const scale = Math.max(...known.map((name) => norm(tensors[name].data)));
  let worstName;
  for (const name of step.parameters.keys()) {
    all++;
    const wanted = tensors[`gradient/${name}`];
    if (!wanted) continue;
    compared++;
    const ours = found[`sum/gradient/${name}`].data;
    const difference = norm(ours.map((x, i) => x - wanted.data[i]));
    const error = difference / Math.max(norm(wanted.data), 1e-4 * scale);
    if (!(error <= worst)) [worst, worstName] = [error, name];
  }
  Object.assign(figures, { gradients: compared > 0 ? worst : null, worstName, compared, all });

  const statistics = Object.keys(tensors).filter((name) => name.startsWith('statistics/'));
  const program = await compile(step.graph, {});
  let state = { ...weights, ...initialSlots(step, [], weights) };
  const losses = [];
  for (let i = 0; i < tensors.losses.data.length; i++) {
    const results = await program.run({
      ...inputs,
      ...feeds(state),
      learning_rate: tensor('float32', [], [RATE]),
      step: tensor('float64', [], [i + 1]),
    });
    losses.push(Number(results.loss.data[0]));
    state = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name, results[`next/${name}`] ?? value]),
    );
    if (i === 0 && statistics.length > 0) {
      figures.statistics = Math.max(
        ...statistics.map((name) =>
          distance(state[name.slice('statistics/'.length)].data, tensors[name].data),
        ),
      );
    }
  }
  await program.release();
  figures.steps = Math.max(
    ...losses.map((loss, i) => Math.abs(loss - tensors.losses.data[i]) / tensors.losses.data[i]),
  );

  const wantedTract = Object.keys(tensors).find((name) => name.startsWith('tract/'));
  if (wantedTract) {
    const name = wantedTract.slice('tract/'.length);
    try {
      const given = tract(model);
      figures.layer = given.transforms[0].config.weights[0];
      const transformed = trainingGraph(given, { batchSize, optimizer });
      // So large that the weights before the step are rounding beside it.
      const rate = (100 * norm(weights[name].data)) / Math.max(norm(tensors[wantedTract].data), 1e-30);
      const results = await run(transformed.graph, {
        ...feeds(weights),
        learning_rate: tensor('float32', [], [rate]),
        step: tensor('float64', [], [1]),
      });
      const gradient = weights[name].data.map((x, i) => (x - results[`next/${name}`].data[i]) / rate);
      figures.tract = distance(gradient, tensors[wantedTract].data);
    } catch (error) {
      figures.tractError = error.message.slice(0, 300);
    }
  }
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
const child = spawn(python(), [join(here, 'reference.py'), values.work, values.exports, ...positionals], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
for await (const line of createInterface({ input: child.stdout })) {
  // PyTorch's exporters print to the same place.
  if (!line.startsWith('{"name"')) continue;
  const { error, ...described } = JSON.parse(line);
  const result = { ...described, ...(error && { exportError: error }) };
  const path = join(values.work, `${described.name}.${described.exporter}.${described.mode}`);
  if (!error) {
    try {
      Object.assign(result, await measure(path));
    } catch (problem) {
      result.readError = problem.message.slice(0, 600);
    }
    if (!values.keep)
      for (const ending of ['onnx', 'safetensors']) rmSync(`${path}.${ending}`, { force: true });
  }
  results.push(result);
  console.log(JSON.stringify(result));
  if (values.json) writeFileSync(values.json, JSON.stringify(results));
}
writeMatrix(results);
