// @ts-check
// A trained model is a file, which names the classes of pictures wherever it is loaded.
import { mkdir } from 'node:fs/promises';
import { Classifier, Trainer, adam, readCheckpoint, resnet18, saveRun, shapes, tract } from 'tract-ts/node';

const dataset = shapes({ train: 600, test: 100 });
const model = resnet18({ classes: 10, stem: 'cifar', width: 8 });
const optimizer = adam({ learningRate: 0.003 });
const trainer = await Trainer.create(tract(model, { lambda: 0.1 }), { optimizer, batchSize: 50 });
await trainer.fit(dataset, { epochs: 3 });
await mkdir('runs', { recursive: true });
const file = await saveRun(trainer, 'runs/shapes.safetensors', { dataset });
await trainer.release();

const classifier = await Classifier.create(await readCheckpoint(file));
const { images, labels } = dataset.test;
const predictions = await classifier.classify(images);
for (const { className, probability } of predictions.slice(0, 3)) {
  console.log(`${className}: ${(100 * probability).toFixed(0)} %`);
}
const right = predictions.filter(({ classIndex }, picture) => classIndex === labels[picture]).length;
console.log(`${right} of ${predictions.length} pictures are right`);
await classifier.release();
