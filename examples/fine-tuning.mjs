// @ts-check
// Fine-tuning a part: the weights of a checkpoint are loaded, all but the head stay as they are (and cost no gradients),
// and the head learns from few images.
import { mkdir, readFile } from 'node:fs/promises';
import { Trainer, adam, readWeights, resnet18, saveRun, shapes } from 'tract-ts/node';

// A model trained on other images, as a file: a checkpoint, or any safetensors file with PyTorch's names.
const others = shapes({ train: 256, test: 64, seed: 1 });
const model = resnet18({ classes: 10, stem: 'cifar', width: 4 });
const first = await Trainer.create(model, { optimizer: adam({ learningRate: 0.003 }), batchSize: 64 });
await first.fit(others, { epochs: 3 });
await mkdir('runs', { recursive: true });
const file = await saveRun(first, 'runs/pretrained.safetensors', { dataset: others });
await first.release();

const dataset = shapes({ train: 256, test: 64, seed: 2 });
const trainer = await Trainer.create(model, {
  optimizer: adam({ learningRate: 0.01 }),
  groups: [{ parameters: ({ name }) => !name.startsWith('fc.'), trainable: false }],
  batchSize: 64,
});
trainer.load(readWeights(await readFile(file)));
const before = await trainer.weights();
const { loss } = await trainer.evaluate(dataset, dataset.train);
await trainer.fit(dataset, { epochs: 4, augmentation: null });
const after = await trainer.weights();
const tuned = await trainer.evaluate(dataset, dataset.train);
console.log(`loss ${loss.toFixed(3)} -> ${tuned.loss.toFixed(3)}`);

/** @param {string} name */
const same = (name) => before[name].data.every((value, i) => value === after[name].data[i]);
console.log(`conv1.weight is ${same('conv1.weight') ? 'as it was' : 'another'}`);
console.log(`fc.weight is ${same('fc.weight') ? 'as it was' : 'another'}`);
await trainer.release();
