// @ts-check
// A model in an `.onnx` file, as any program may have written it, is trained for other classes and given back.
import { writeFileSync } from 'node:fs';
import * as t from 'tract-ts/node';

// A small file, for want of another: one convolution, the mean over the image, two classes.
const random = t.Random.fromSeed(0);
/** @param {number} count */
const numbers = (count) => Float32Array.from({ length: count }, () => random.normal(0, 0.2));
const graph = new t.Graph();
const image = graph.input('image', 'float32', [1, 3, 32, 32]);
const weight = graph.input('conv.weight', 'float32', [8, 3, 4, 4]);
const head = graph.input('head.weight', 'float32', [2, 8]);
const features = t.op.relu(t.op.conv(image, weight, null, { stride: [4, 4] }));
graph.output('scores', t.op.gemm(t.op.reduceMean(features, [2, 3]), head, null));
const initializers = {
  'conv.weight': t.tensor('float32', weight.shape, numbers(384)),
  'head.weight': t.tensor('float32', head.shape, numbers(16)),
};
writeFileSync('small.onnx', t.toOnnx(graph, { initializers }));

const dataset = t.shapes({ train: 256, test: 64 });
const model = await t.loadModel('small.onnx', { classes: dataset.classNames.length });
console.log(`${model.file.input.name} [${model.imageShape}], new: ${model.file.newHeads[0]?.weight}`);

const optimizer = t.sgd({ learningRate: 0.1, momentum: 0.9 });
const trainer = await t.Trainer.create(t.tract(model), { optimizer, batchSize: 32 });
const { evaluation } = await trainer.fit(dataset, { epochs: 2 });
console.log(`loss ${evaluation?.loss}`);

// The same input and output, now for any number of images.
const { mean, deviation } = dataset;
const learned = { weights: await trainer.weights(), standardization: { mean, deviation } };
const { classNames } = dataset;
writeFileSync('trained.onnx', t.exportFileModel(model, learned, { classNames }));
await trainer.release();
