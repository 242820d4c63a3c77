// Trains on the pictures of a folder, one subfolder a class, in the tab. Nothing leaves the machine.
import { Trainer, cosine, imageDataset, resnet18, sgd, tract } from 'tract-ts';

const size = 32;
const input = document.querySelector('input')!;
const output = document.querySelector('output')!;

/** A picture as large as the model takes it. */
async function pixels(file: File): Promise<ImageData> {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(size, size).getContext('2d')!;
  canvas.drawImage(bitmap, 0, 0, size, size);
  bitmap.close();
  return canvas.getImageData(0, 0, size, size);
}

async function train(files: File[]): Promise<void> {
  const folders = files.map((file) => file.webkitRelativePath.split('/').at(-2)!);
  const classNames = [...new Set(folders)].sort();
  const labels = folders.map((folder) => classNames.indexOf(folder));
  const dataset = await imageDataset({ images: await Promise.all(files.map(pixels)), labels, classNames });
  const model = resnet18({ classes: classNames.length, width: 8 });
  const optimizer = sgd({ learningRate: cosine(0.08), momentum: 0.9 });
  const trainer = await Trainer.create(tract(model), { optimizer, batchSize: 32 });
  for await (const event of trainer.run(dataset, { epochs: 15 })) {
    if (event.event === 'step') output.value = `step ${event.step}: loss ${event.loss.toFixed(3)}`;
    await new Promise(requestAnimationFrame); // The page is drawn between two steps.
  }
  const { accuracy } = await trainer.evaluate(dataset);
  output.value = `test accuracy ${(100 * accuracy).toFixed(1)} %`;
  await trainer.release();
}

input.disabled = false; // From here on there is somebody who hears of it.
input.onchange = () => {
  const pictures = [...input.files!].filter(({ type }) => type.startsWith('image/'));
  train(pictures).catch((error: unknown) => (output.value = String(error)));
};
