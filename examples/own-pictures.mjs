// @ts-check
// Trains on pictures of your own: a Uint8Array of pixels, and the class of each picture.
import { Random, Trainer, adam, imageDataset, mlp, randomHorizontalFlip } from 'tract-ts/node';

// 400 grey pictures of 8 x 8 pixels: stripes that lie or stand, in random shades.
const [count, side] = [400, 8];
const random = Random.fromSeed(0, 'shades');
const images = new Uint8Array(count * side * side);
const labels = Array.from({ length: count }, (_, picture) => picture % 2);
for (let picture = 0; picture < count; picture++) {
  const shades = Array.from({ length: side }, () => Math.floor(random.uniform(0, 256)));
  for (let pixel = 0; pixel < side * side; pixel++) {
    const stripe = labels[picture] === 0 ? Math.floor(pixel / side) : pixel % side;
    images[picture * side * side + pixel] = shades[stripe];
  }
}

// A fifth of the pictures of each class becomes the test images, unless you give `test`.
const dataset = await imageDataset({
  images,
  labels,
  imageShape: [1, side, side],
  classNames: ['lying', 'standing'],
  augmentation: [randomHorizontalFlip()],
});
const model = mlp({ classes: 2, channels: 1, imageSize: side, width: 64 });
const trainer = await Trainer.create(model, { optimizer: adam({ learningRate: 0.003 }), batchSize: 32 });
await trainer.fit(dataset, { epochs: 15 });
const { accuracy } = await trainer.evaluate(dataset);
console.log(`test accuracy ${accuracy.toFixed(3)}`);
await trainer.release();
