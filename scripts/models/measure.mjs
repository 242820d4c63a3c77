/**
 * What a file is measured by in float32: as it is read and trained here, against what reference.py or keras_reference.py
 * computed of it.
 *
 * Usage: node measure.mjs PATH
 * Reads PATH.onnx and PATH.safetensors, prints a line of JSON, and writes what double.py reads: the step with and without
 * TrAct, the state that both begin with, and what was computed of the file under the names of the state.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process, { argv } from 'node:process';
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
import { transposedMatrix } from '../../dist/tensor/tensor.js';
import { initialWeights, initialSlots } from '../../dist/train/initial-state.js';

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

/** Tensors with the file's names and shapes under the names and in the shapes of the model's parameters. */
function asInModel(tensors, { file }) {
  const given = new Map([...file.inFile].map(([name, own]) => [own.name, { ...own, name }]));
  return Object.fromEntries(
    Object.entries(tensors).map(([key, value]) => {
      const [, kind, name] = /^(gradient|tract)\/(.*)$/.exec(key) ?? [];
      const own = given.get(name);
      if (!own) return [key, value];
      return [`${kind}/${own.name}`, own.transposed ? transposedMatrix(value) : value];
    }),
  );
}

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
async function measure(path) {
  const model = await loadModel(`${path}.onnx`);
  const tensors = asInModel(fromSafetensors(readFileSync(`${path}.safetensors`)).tensors, model);
  const { images, labels } = tensors;
  const batchSize = images.shape[0];
  const inputs = { images, labels, ...standardization };
  const rate = tensors.rate.data[0];
  const optimizer = sgd({ learningRate: rate });
  const step = trainingGraph(model, { batchSize, optimizer });
  const weights = initialWeights(step, 0);
  const wanted = of('gradient/', tensors);
  const figures = {
    all: step.parameters.size,
    rate,
    compared: [...step.parameters.keys()].filter((name) => wanted[name]).length,
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
  writeFileSync(`${path}.wanted.safetensors`, toSafetensors({ tensors, metadata: {} }));
  return figures;
}

try {
  console.log(JSON.stringify(await measure(argv[2])));
} catch (error) {
  // Its last line is the reason.
  console.error(error.message.replace(/\s+/g, ' '));
  process.exitCode = 1;
}
