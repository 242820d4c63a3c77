/**
 * The Studio and WebGPU, in a browser whose WebGPU is SwiftShader, on the CPU: `npm run studio:webgpu`, or with
 * `-- --screenshots FOLDER`. It is not fetched where there is none; it is not used where it is slower, or computes a model
 * wrongly, and the page says so; where it was chosen and is right a run trains on it, goes on when the tab is opened again
 * to the same bits, and elsewhere where it is gone.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { shapes } from '../../data/shapes.js';
import * as op from '../../graph/ops.js';
import { normal } from '../../nn/init.js';
import { linear } from '../../nn/layers.js';
import { defineModel } from '../../nn/model.js';
import { sgd } from '../../optim/sgd.js';
import { exportOnnx } from '../../train/export.js';
import { Trainer } from '../../train/trainer.js';
import { noBrowser } from '../browser.js';
import { writeClassFolders } from '../picture-files.js';
import { StudioPage } from './studio-page.js';

const PICTURES = 200;
/** The files that only WebGPU needs. */
const FOR_WEBGPU = /jsep|ort\.bundle/;

const reason = noBrowser();
if (reason !== false) console.log(`studio:webgpu is skipped: ${reason}`);
else {
  const { values } = parseArgs({ options: { screenshots: { type: 'string' } } });
  const folder = mkdtempSync(join(tmpdir(), 'tract-webgpu-'));
  try {
    const pictures = join(folder, 'shapes');
    const { train, imageShape, classNames } = shapes({ train: PICTURES, test: 10 });
    await writeClassFolders(pictures, train, imageShape, classNames);
    await without(pictures);
    await withWebGpu(folder, pictures, values.screenshots);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A model with an Einsum that ONNX Runtime's WebGPU computes wrongly (docs/engines.md). */
async function wronglyComputed(): Promise<Uint8Array> {
  const model = defineModel({ name: 'einsum', imageShape: [3, 32, 32], classes: 10 }, (scope, images) => {
    const pixels = scope.build(() => op.reshape(images, [images.shape[0], -1]));
    const hidden = linear(scope.child('first'), pixels, 16);
    const inner = scope.parameter('inner', [16, 16], normal(0.3));
    const outer = scope.parameter('outer', [16, 10], normal(0.3));
    return scope.build(() => op.einsum('ni,ij,jc->nc', [op.relu(hidden), inner, outer]));
  });
  const standardization = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
  const trainer = await Trainer.create(model, { optimizer: sgd({ learningRate: 0.1 }), batchSize: 4 });
  try {
    return exportOnnx(model, { weights: await trainer.weights(), standardization });
  } finally {
    await trainer.release();
  }
}

/** Adds pictures, and chooses a small MLP with TrAct. */
async function prepare(studio: StudioPage, pictures: string): Promise<void> {
  const { page } = studio;
  await page.waitForSelector('h1');
  await studio.drop([pictures]);
  await page.waitForSelector(`text=${PICTURES} pictures of 10 classes`);
  await studio.goTo('Model');
  await page.check('label.card:has-text("MLP") input');
  await page.check('label.card:has(b:text-is("TrAct")) input');
  await page.selectOption('label:text-is("Width") + select', '64');
  await page.fill('label:text-is("Epochs") + input', '1');
  await page.press('label:text-is("Epochs") + input', 'Tab');
}

async function choose(studio: StudioPage, engine: string): Promise<void> {
  const { page } = studio;
  await studio.goTo('Model');
  const place = page.locator('details:has(summary:has-text("Engine"))');
  if ((await place.getAttribute('open')) === null) await place.locator('summary').click();
  await page.selectOption('label:text-is("Engine") + select', { label: engine });
}

/** Starts a run. @returns what the page says that it is computed on */
async function start(studio: StudioPage): Promise<string> {
  await studio.goTo('Train');
  // A run that is kept may still be being opened.
  await studio.page.waitForSelector('button:text-is("New run"), button:text-is("Start training")');
  const another = studio.page.getByRole('button', { name: 'New run', exact: true });
  if ((await another.count()) > 0) await another.click();
  await studio.button('Start training');
  return engineOf(studio);
}

async function engineOf({ page }: StudioPage): Promise<string> {
  return (await page.locator('p:has-text("Computed on")').textContent()) ?? '';
}

async function without(pictures: string): Promise<void> {
  const studio = await StudioPage.open();
  await prepare(studio, pictures);
  assert.match(await start(studio), /^Computed on WebAssembly, .*WebGPU is not there/);
  await studio.finish();
  assert.deepEqual(
    studio.requested.filter((url) => FOR_WEBGPU.test(url)),
    [],
  );
  studio.assertQuiet();
  await studio.close();
  console.log('A browser without WebGPU fetches nothing for it, trains on WebAssembly, and says why.');
}

async function withWebGpu(folder: string, pictures: string, screenshots: string | undefined): Promise<void> {
  const studio = await StudioPage.open({ webgpu: true, ...(screenshots !== undefined && { screenshots }) });
  const { page } = studio;
  const weights = async (name: string): Promise<Buffer> =>
    readFileSync(join(await studio.takeRun(join(folder, name)), 'last.safetensors'));
  try {
    await prepare(studio, pictures);
    const automatic = await start(studio);
    console.log(automatic);
    const [, device, cpu] = /: ([\d.]+) ms a step, WebAssembly ([\d.]+) ms/.exec(automatic) ?? [];
    assert.ok(device && cpu, automatic);
    // SwiftShader is slower; but whichever is faster is used.
    assert.equal(/^Computed on WebGPU/.test(automatic), !automatic.includes('slower'));
    assert.equal(Number(device) > Number(cpu), automatic.includes('slower'));
    assert.ok(studio.requested.some((url) => FOR_WEBGPU.test(url)));
    await studio.finish();

    await choose(studio, 'WebGPU');
    await studio.look('engine');
    const chosen = await start(studio);
    console.log(chosen);
    assert.match(chosen, /^Computed on WebGPU \(google, swiftshader\)/);
    assert.equal(await page.textContent('.badge >> nth=1'), 'WebGPU');
    await studio.finish();
    const whole = await weights('whole');

    await start(studio);
    await studio.reachStep(3);
    await studio.pause();
    assert.ok((await studio.steps()) < 10, 'it was paused before its end');
    await page.reload();
    assert.equal(await engineOf(studio), chosen);
    await studio.button('Go on');
    await studio.finish();
    assert.ok((await weights('interrupted')).equals(whole), 'the weights of the two runs');
    console.log('It goes on on WebGPU, to the weights of an uninterrupted run, bit for bit.');

    await start(studio);
    await studio.reachStep(3);
    await studio.pause();
    await page.route(/training|worker/, async (route) => {
      const response = await route.fetch();
      const body = `Object.defineProperty(navigator, 'gpu', { value: undefined });\n${await response.text()}`;
      await route.fulfill({ response, body });
    });
    await page.reload();
    await page.waitForSelector('.note:has-text("begun on WebGPU")');
    console.log(await page.textContent('.note:has-text("begun on WebGPU")'));
    assert.match(await engineOf(studio), /^Computed on WebAssembly/);
    await studio.button('Go on');
    await studio.finish();
    await page.unroute(/training|worker/);
    await page.reload();

    const file = join(folder, 'einsum.onnx');
    writeFileSync(file, await wronglyComputed());
    await choose(studio, 'WebGPU');
    await page.check('label.card:has-text("From a file") input');
    await page.setInputFiles('input[accept=".onnx"]', file);
    const wrong = await start(studio);
    console.log(wrong);
    assert.match(
      wrong,
      /^Computed on WebAssembly, .*WebGPU computes wrong numbers here: the (?:loss|gradient of|update of).* off by [\d.]+ % of WebAssembly's/,
    );
    await studio.look('wrong');
    await studio.finish();
    studio.assertQuiet();
    console.log('WebGPU is used where it is right and no slower, or chosen; and the page says so.');
  } finally {
    await studio.close();
  }
}
