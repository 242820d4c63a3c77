// @ts-check
// A trained model is a file, which names the classes of pictures wherever it is loaded.
import { mkdir } from 'node:fs/promises';
import { Classifier, Trainer, adam, cosine, mlp, saveRun, shapes, tract } from 'tract-ts/node';

const dataset = shapes({ train: 800, test: 100 });
const optimizer = adam({ learningRate: cosine(0.003) });
const model = tract(mlp({ width: 128 }), { lambda: 0.1 });
const trainer = await Trainer.create(model, { optimizer, batchSize: 50 });
await trainer.fit(dataset, { epochs: 12 });
await mkdir('runs', { recursive: true });
await saveRun(trainer, 'runs/shapes.safetensors', { dataset });
await trainer.release();

// Pictures may be files, bytes of files, or pixels of any size, such as these of a canvas: red, green, blue, opacity.
const { images, labels } = dataset.test;
const pictures = Array.from({ length: labels.length }, (_, picture) => {
  const planes = images.slice(picture * 3072, (picture + 1) * 3072);
  const data = Uint8ClampedArray.from({ length: 4096 }, (__, i) =>
    i % 4 < 3 ? planes[(i % 4) * 1024 + (i >> 2)] : 255,
  );
  return { width: 32, height: 32, data };
});
const classifier = await Classifier.load('runs/shapes.safetensors');
const { className, probability } = await classifier.predict(pictures[0]);
console.log(`${className}: ${(100 * probability).toFixed(0)} %`);
const predictions = await classifier.predict(pictures);
const right = predictions.filter(({ classIndex }, picture) => classIndex === labels[picture]).length;
console.log(`${right} of ${predictions.length} pictures are right`);
await classifier.release();
