import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { launch, noBrowser } from '../testing/browser.js';
import { bundle, serve } from '../testing/web-page.js';
import { toCheckpoint } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { describeRun } from './run-config.js';
import { Trainer } from './trainer.js';

const skip = noBrowser();
const dataset = shapes({ train: 64, test: 16 });
const source = "import { Classifier } from './index.js'; globalThis.Classifier = Classifier;";

/** A model that was trained for an epoch, as the bytes of its checkpoint. */
async function checkpoint(): Promise<Uint8Array> {
  const trainer = await Trainer.create(mlp({ width: 8, depth: 1 }), {
    optimizer: sgd({ learningRate: 0.05 }),
    batchSize: 16,
    threads: 1,
  });
  await trainer.fit(dataset, { epochs: 1 });
  const config = describeRun(trainer.trainable, trainer.options, dataset, { epochs: 1 });
  const bytes = toCheckpoint({ config, state: await trainer.state() });
  await trainer.release();
  return bytes;
}

/** A picture of another size than the model's. */
function png(): Promise<Buffer> {
  const [width, height] = [60, 45];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i % 3) * 60 + (i % 180) / 2);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** In the page: the probabilities of a picture in all forms that a page has it in, and what is said of no picture. */
async function inPage([model, picture]: readonly [string, string]): Promise<(number[] | string)[]> {
  const Loaded = (globalThis as unknown as { Classifier: typeof Classifier }).Classifier;
  const bytesOf = async (data: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(data)).arrayBuffer());
  const image = new Image();
  image.src = picture;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d')!;
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const bytes = await bytesOf(picture);
  const sources = [
    ...[picture, new URL(picture), bytes, new Blob([bytes.slice()]), new File([bytes.slice()], 'a.png')],
    ...[image, canvas, await createImageBitmap(image), pixels],
  ];
  const classifier = await Loaded.load(model);
  const predictions = await classifier.predict(sources);
  const again = await Loaded.load(new Blob([(await bytesOf(model)).slice()]));
  const messages: string[] = [];
  for (const attempt of [
    () => again.predict(new Uint8Array(9)),
    () => again.predict('/no-such-picture.png'),
    () => Loaded.load('/no-such-model'),
  ]) {
    await attempt().catch((error: unknown) => messages.push(String(error)));
  }
  return [...predictions.map(({ probabilities }) => [...probabilities]), ...messages];
}

describe('a classifier in a browser', { skip, timeout: 300_000 }, () => {
  it('gives what it gives in Node, for every form of a picture', async () => {
    const [bytes, picture] = [await checkpoint(), await png()];
    const classifier = await Classifier.load(bytes, { threads: 1 });
    const { probabilities } = await classifier.predict(picture);
    await classifier.release();

    const page = await serve((await bundle(source)).code);
    const browser = await launch();
    try {
      const tab = await browser.newPage();
      await tab.goto(page.url);
      const results = await tab.evaluate(inPage, [
        `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`,
        `data:image/png;base64,${picture.toString('base64')}`,
      ] as const);
      assert.equal(results.length, 12);
      for (const found of results.slice(0, 9) as number[][]) {
        assert.equal(found.length, probabilities.length);
        // Pixels may be a level apart: files are scaled by another library in Node.
        for (const [i, one] of found.entries()) assert.ok(Math.abs(one - probabilities[i]) < 0.02);
        assert.deepEqual(found, results[0]);
      }
      const [noImage, noPicture, noModel] = results.slice(9) as string[];
      assert.match(noImage, /^DataError: The picture is not an image that this browser can read/);
      assert.match(noPicture, /^DataError: \/no-such-picture\.png cannot be fetched: the server says 404/);
      assert.match(noModel, /^CheckpointError: \/no-such-model cannot be fetched: the server says 404/);
    } finally {
      await browser.close();
      await page.close();
    }
  });
});
