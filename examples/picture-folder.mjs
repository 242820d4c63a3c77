// @ts-check
// Trains on pictures in files: one folder for each class.
import { mkdir } from 'node:fs/promises';
import sharp from 'sharp';
import { Random, Trainer, adam, imageFolder, mlp, reportSentences } from 'tract-ts/node';

// 120 pictures of stripes that lie or stand; yours are there already.
const side = 16;
for (const [label, name] of ['lying', 'standing'].entries()) {
  await mkdir(`runs/stripes/${name}`, { recursive: true });
  for (let picture = 0; picture < 60; picture++) {
    const random = Random.fromSeed(picture, name);
    const shades = Array.from({ length: side }, () => random.integer(256));
    const pixels = Uint8Array.from({ length: side * side }, (_, pixel) => {
      return shades[label === 0 ? Math.floor(pixel / side) : pixel % side];
    });
    const file = `runs/stripes/${name}/${picture}.png`;
    await sharp(pixels, { raw: { width: side, height: side, channels: 1 } }).toFile(file);
  }
}

// A fifth of the pictures of each class becomes the test images, unless there are folders train and test.
const dataset = await imageFolder('runs/stripes', { cacheDir: 'runs/cache' });
console.log(reportSentences(dataset.report).join('\n'));
const model = mlp({ classes: dataset.classNames.length, imageSize: side, width: 64 });
const trainer = await Trainer.create(model, { optimizer: adam({ learningRate: 0.003 }), batchSize: 16 });
await trainer.fit(dataset, { epochs: 15, augmentation: null });
const { accuracy } = await trainer.evaluate(dataset);
console.log(`test accuracy ${accuracy.toFixed(3)}`);
await trainer.release();
