// @ts-check
// Writes a whole training step (forward, backward, TrAct, optimizer) as step.onnx, and what it is fed with as step.json.
// train-exported-step.mjs and in-a-page.mjs train with these two files, without tract-ts.
import { mkdir, writeFile } from 'node:fs/promises';
import { exportTrainingStep, resnet18, sgd, shapes, tract } from 'tract-ts/node';

const [steps, batchSize] = [10, 32];
const { train, mean, deviation } = shapes({ train: steps * batchSize, test: 1 });
const model = resnet18({ classes: 10, stem: 'cifar', width: 8 });
const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
const { onnx, state } = exportTrainingStep(tract(model, { lambda: 0.1 }), { batchSize, optimizer });

/** @param {string} type @param {readonly number[]} shape @param {Iterable<unknown>} data */
const plain = (type, shape, data) => ({ type, shape, data: Array.from(data, Number) });
const size = train.images.length / steps;
const batches = Array.from({ length: steps }, (_, step) => ({
  images: plain('uint8', [batchSize, 3, 32, 32], train.images.slice(step * size, (step + 1) * size)),
  labels: plain(
    'int32',
    [batchSize],
    Array.from(train.labels).slice(step * batchSize, (step + 1) * batchSize),
  ),
}));
const fixed = {
  mean: plain('float32', [3], mean),
  deviation: plain('float32', [3], deviation),
  learning_rate: plain('float32', [], [0.05]),
};
const begin = Object.entries(state).map(([name, { dtype, shape, data }]) => [
  name,
  plain(dtype, shape, data),
]);
await mkdir('runs', { recursive: true });
await writeFile('runs/step.onnx', onnx);
await writeFile('runs/step.json', JSON.stringify({ state: Object.fromEntries(begin), fixed, batches }));
console.log(`runs/step.onnx: ${onnx.length} bytes, ${begin.length} tensors of state`);
