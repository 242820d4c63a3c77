/**
 * `npm run resizing -- RUN` and `npm run resizing -- --pictures FOLDER [--size 224]`: how far pictures that are resized inside
 * an exported file are from those that a run sees.
 *
 * Of a run on pictures in a folder all test pictures are decoded in their own size and given to the file that `tract export
 * --with-preprocessing` writes, and to the run's own evaluation; of a folder of pictures the resized pixels are compared.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import {
  Classifier,
  centerCrop,
  defineModel,
  exportOnnx,
  op,
  pictureFile,
  reopenImageFolder,
  tensor,
} from '../dist/node.js';
import { readTrained } from '../dist/cli/trained.js';
import { resizingOf } from '../dist/cli/export.js';
import { readPictureAs } from '../dist/data/image-file.js';
import { transformed } from '../dist/data/pictures.js';
import { Program } from '../dist/engine/session.js';
import { Random } from '../dist/random/random.js';
import { progress } from './cifar-folders.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pictures: { type: 'string' }, size: { type: 'string', default: '224' } },
});

/** A picture in its own size, uint8 [1, 3, height, width]. */
async function decoded(file) {
  const { data, info } = await sharp(file)
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const area = width * height;
  const planes = new Uint8Array(3 * area);
  for (let i = 0; i < planes.length; i++) planes[i] = data[(i % area) * channels + Math.floor(i / area)];
  return tensor('uint8', [1, 3, height, width], planes);
}

/** A file whose logits are the bytes that a model would get. */
async function pixelProgram(imageShape, resizing) {
  const classes = imageShape.reduce((a, b) => a * b);
  const model = defineModel({ name: 'pixels', config: {}, imageShape, classes }, (_, images) =>
    op.reshape(images, [images.shape[0], classes]),
  );
  const each = (value) => Array(imageShape[0]).fill(value);
  const learned = { weights: {}, standardization: { mean: each(0), deviation: each(1 / 255) } };
  return Program.load(exportOnnx(model, learned, { resizing }), { provider: 'cpu' });
}

/** Levels, from 0 to 255, that pixels differ by. */
class Differences {
  #sum = 0;
  #count = 0;
  #most = 0;
  #by = [0, 0];

  add(found, expected) {
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(Math.round(found[i]) - expected[i]);
      this.#sum += difference;
      this.#most = Math.max(this.#most, difference);
      if (difference <= 1) this.#by[difference]++;
    }
    this.#count += expected.length;
  }

  toString() {
    const share = (count) => `${((100 * count) / this.#count).toFixed(1)} %`;
    return `mean difference ${(this.#sum / this.#count).toFixed(3)} levels of 255, largest ${this.#most}; ${share(this.#by[0])} of the values the same, ${share(this.#by[0] + this.#by[1])} within one level`;
  }
}

if (values.pictures !== undefined) {
  const side = Number(values.size);
  const cover = Math.round((side * 8) / 7);
  const decoding = { cover: [cover, cover], cut: false, channels: 3, background: '#ffffff' };
  const program = await pixelProgram([3, side, side], decoding);
  for (const name of readdirSync(values.pictures).sort()) {
    const file = join(values.pictures, name);
    const images = await decoded(file);
    const differences = new Differences();
    const { data } = transformed(
      await readPictureAs(file, decoding),
      [centerCrop({ size: side })],
      Random.fromSeed(0),
    );
    differences.add((await program.run({ images })).logits.data, data);
    console.log(`${name}, ${images.shape[3]} x ${images.shape[2]}: ${differences}`);
  }
  await program.release();
} else if (positionals.length === 1) {
  const trained = await readTrained(positionals[0]);
  const { config, model, learned } = trained;
  if (!config.data.folder || model.imageShape[0] !== 3) {
    console.error('resizing: give a run on coloured pictures in a folder');
    process.exit(2);
  }
  const resizing = resizingOf(model, config.data);
  const dataset = await reopenImageFolder(config.data);
  const program = await Program.load(exportOnnx(model, learned, { resizing }), { provider: 'cpu' });
  const pixels = await pixelProgram(model.imageShape, resizing);
  const classifier = await Classifier.load(trained.file);
  const { test } = dataset;
  const differences = new Differences();
  const counts = { file: 0, run: 0, same: 0 };
  let furthest = 0;
  const best = (logits) => logits.indexOf(Math.max(...logits));
  const bar = progress('Test pictures', test.count);
  for (let i = 0; i < test.count; i++) {
    const file = join(config.data.folder.path, pictureFile(test, i));
    const images = await decoded(file);
    const expected = transformed(
      await readPictureAs(file, config.data.folder.decoding),
      dataset.evaluation ?? [],
      Random.fromSeed(0),
    ).data;
    differences.add((await pixels.run({ images })).logits.data, expected);
    const own = Array.from((await classifier.logits(expected)).data);
    const found = Array.from((await program.run({ images })).logits.data);
    furthest = Math.max(furthest, ...own.map((logit, k) => Math.abs(logit - found[k])));
    if (best(found) === test.label(i)) counts.file++;
    if (best(own) === test.label(i)) counts.run++;
    if (best(own) === best(found)) counts.same++;
    bar.update(i + 1);
  }
  bar.end();
  for (const one of [program, pixels, classifier]) await one.release();
  const share = (count) => `${((100 * count) / test.count).toFixed(2)} %`;
  console.log(
    `${test.count} test pictures of ${dataset.name}, to ${model.imageShape.slice(1).join(' x ')} pixels`,
  );
  console.log(`pixels: ${differences}`);
  console.log(
    `accuracy: ${share(counts.run)} by the run's evaluation, ${share(counts.file)} by the file; the same class for ${share(counts.same)}, logits at most ${furthest.toFixed(3)} apart`,
  );
} else {
  console.error('resizing: give a run, or --pictures and a folder');
  process.exitCode = 2;
}
