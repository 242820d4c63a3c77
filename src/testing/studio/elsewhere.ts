/** The Studio on other hosts, and what it takes from elsewhere: a run of the command, its weights, a zip of pictures. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { shapes } from '../../data/shapes.js';
import { writeClassFolders } from '../picture-files.js';
import { StudioPage } from './studio-page.js';
import { tract } from './tract.js';

/** Without the headers of isolation, below any path: the service worker supplies them; without it there is one thread. */
export async function isolationAnywhere(): Promise<void> {
  const elsewhere = await StudioPage.open({ isolated: false, base: '/some/where/' });
  await elsewhere.page.waitForFunction(() => crossOriginIsolated);
  await elsewhere.page.waitForSelector('text=WebAssembly');
  elsewhere.assertQuiet();
  await sendsNothing(elsewhere);
  await elsewhere.close();
  const alone = await StudioPage.open({ isolated: false, serviceWorkers: 'block' });
  await alone.page.waitForSelector('text=WebAssembly, 1 thread');
  await alone.page.waitForSelector('.badge[title*="binds the page alone here"]');
  await alone.close();
  console.log('A static host without headers: isolated by the service worker; without that, one thread.');
}

/** Neither the page nor its workers can send anything to another origin, whatever they try. */
export async function sendsNothing({ page }: StudioPage): Promise<void> {
  let arrived = 0;
  const other = createServer((_, response) => {
    arrived++;
    response.end();
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const send = (url: string): Promise<string> =>
    fetch(url, { method: 'POST', mode: 'no-cors', body: 'a picture' }).then(
      () => 'sent',
      () => 'refused',
    );
  try {
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    // Threads of WebAssembly hear nothing while they wait for work.
    const workers = page.workers().filter((worker) => /\/worker-[^/]*\.js$/.test(worker.url()));
    assert.equal(workers.length, 2, 'workers of the page');
    assert.equal(await page.evaluate(send, url), 'refused', 'the page');
    for (const worker of workers) assert.equal(await worker.evaluate(send, url), 'refused', worker.url());
    assert.equal(arrived, 0);
  } finally {
    other.close();
    await once(other, 'close');
  }
}

const PICTURES = 120;
/** Too small to change anything. */
const TINY_RATE = '0.000001';

/** A run that the command has begun is opened; its weights are begun with, on pictures that are dropped as a zip. */
export async function exchange(folder: string): Promise<void> {
  const run = join(folder, 'run');
  const some = ['--limit-train', '2000', '--limit-test', '200', '--batch-size', '50', '--epochs', '3'];
  tract('train', '--model', 'mlp', '--width', '64', '--tract', ...some, '--out', run);
  const studio = await StudioPage.open();
  const { page } = studio;
  const accuracy = async (): Promise<number> =>
    parseFloat((await page.textContent('.tile .big')) ?? '') / 100;
  try {
    await page.waitForSelector('h1');
    await studio.goTo('Take away');
    await page.setInputFiles('input[webkitdirectory]', run);
    await page.waitForSelector('h1:has-text("Training with TrAct")');
    await studio.finish();
    const last = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n').at(-1)!;
    const { testAccuracy } = JSON.parse(last) as { testAccuracy: number };
    assert.ok(Math.abs((await accuracy()) - testAccuracy) < 1e-3, `the command says ${testAccuracy}`);

    await studio.goTo('Pictures');
    await studio.drop([await zipOfPictures(folder)]);
    await page.waitForSelector(`text=${PICTURES} pictures of 10 classes`);
    await page.waitForSelector('text=As the folders say');
    await studio.goTo('Model');
    await page.check('label.card:has(b:text-is("TrAct")) input');
    await page.click('summary:has-text("Start from weights")');
    await page.setInputFiles('input[accept=".safetensors"]', join(run, 'last.safetensors'));
    await page.waitForSelector('b:text-is("last.safetensors")');
    await studio.goTo('Train');
    await studio.button('New run');
    await studio.button('Start training');
    await page.waitForSelector('.problem:has-text("fits this model by name and shape")');

    await studio.goTo('Model');
    await page.check('label.card:has-text("MLP") input');
    await page.selectOption('label:text-is("Width") + select', '64');
    await page.click('summary:has-text("Optimizer")');
    for (const [label, value] of [
      ['Epochs', '1'],
      ['Learning rate', TINY_RATE],
    ]) {
      await page.fill(`label:text-is("${label}") + input`, value);
      await page.press(`label:text-is("${label}") + input`, 'Tab');
    }
    await studio.goTo('Train');
    await studio.button('Start training');
    await studio.finish();
    const [found, wanted] = [await accuracy(), testAccuracy - 0.2];
    assert.ok(found > wanted, `with the command's weights it is right of ${found}, not of ${wanted}`);
    studio.assertQuiet();
    // After that is quiet: what is refused is complained of.
    await sendsNothing(studio);
  } finally {
    await studio.close();
  }
  console.log('A run of the command was opened, and its weights begun with, on pictures of a zip.');
}

async function zipOfPictures(folder: string): Promise<string> {
  const { train, test, imageShape, classNames } = shapes({
    train: PICTURES / 2,
    test: PICTURES / 2,
    seed: 7,
  });
  const files: Record<string, Uint8Array> = {};
  for (const [name, split] of Object.entries({ train, test })) {
    const place = join(folder, name);
    mkdirSync(place, { recursive: true });
    for (const path of await writeClassFolders(place, split, imageShape, classNames))
      files[`some/${name}/${path}`] = readFileSync(join(place, path));
  }
  const zip = join(folder, 'some.zip');
  writeFileSync(zip, zipSync(files, { level: 0 }));
  return zip;
}
