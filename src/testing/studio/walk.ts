/**
 * Walks through the Studio as a user does, in a browser: `npm run studio:walk`, or with `-- --screenshots FOLDER`, or
 * `-- --pictures 300` for a quick look, which is too few to ask for an accuracy. A folder of
 * pictures is dropped, TrAct trained to above 90 %, the tab closed in the middle and opened again, a picture tried, a cell
 * of the confusion matrix opened, the run taken away, resumed by the command, and opened again.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shapes } from '../../data/shapes.js';
import { zipEntries } from '../../studio/pictures/zip-reader.js';
import { noBrowser } from '../browser.js';
import { writeClassFolders } from '../picture-files.js';
import { PATIENCE, StudioPage } from './studio-page.js';

const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const ENOUGH = 2000;
/** What TrAct is to reach on the test pictures. */
const WANTED = 0.9;

function say(what: string): void {
  console.log(what);
}

const reason = noBrowser();
if (reason !== false) say(`studio:walk is skipped: ${reason}`);
else {
  const { values } = parseArgs({
    options: { screenshots: { type: 'string' }, pictures: { type: 'string', default: String(ENOUGH) } },
  });
  const folder = mkdtempSync(join(tmpdir(), 'tract-studio-'));
  try {
    await isolationAnywhere();
    await walk(folder, Number(values.pictures), values.screenshots);
  } finally {
    rmSync(folder, { recursive: true });
  }
  say('The whole way was walked.');
}

/** Without the headers of isolation, below any path: the service worker supplies them; without it there is one thread. */
async function isolationAnywhere(): Promise<void> {
  const elsewhere = await StudioPage.open({ isolated: false, base: '/some/where/' });
  await elsewhere.page.waitForFunction(() => crossOriginIsolated);
  await elsewhere.page.waitForSelector('text=WebAssembly');
  elsewhere.assertQuiet();
  await elsewhere.close();
  const alone = await StudioPage.open({ isolated: false, serviceWorkers: 'block' });
  await alone.page.waitForSelector('text=WebAssembly, 1 thread');
  await alone.close();
  say('A static host without headers: isolated by the service worker; without that, one thread.');
}

async function walk(folder: string, total: number, screenshots: string | undefined): Promise<void> {
  const pictures = join(folder, 'shapes');
  const { train, imageShape, classNames } = shapes({ train: total, test: 10 });
  await writeClassFolders(pictures, train, imageShape, classNames);
  writeFileSync(join(pictures, classNames[0], 'broken.png'), 'this is no picture');
  const studio = await StudioPage.open(screenshots === undefined ? {} : { screenshots });
  const { page } = studio;
  try {
    await page.waitForSelector('h1');
    await studio.look('welcome');
    await studio.drop([pictures]);
    await page.waitForSelector(`text=${total.toLocaleString('en')} pictures of 10 classes`);
    await page.waitForSelector('text=1 file could not be read');
    await curate(studio, total);
    await studio.look('pictures');
    say(`${total} pictures were added, and some moved, renamed and recorded.`);

    await studio.byKeyboard('On to the model');
    await page.check('label.card:has(b:text-is("TrAct")) input');
    await page.click('summary:has-text("Optimizer")');
    await studio.look('model');
    await studio.byKeyboard('On to training');
    await studio.byKeyboard('Start training');
    await reachStep(studio, 10);
    await page.reload();
    say('The tab was loaded again in the middle.');
    await page.waitForSelector('.controls');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.waitForSelector('.controls:has-text("paused")');
    await studio.look('training');
    const one = await stepOf(studio);
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await reachStep(studio, one + 1);
    await page.getByRole('button', { name: 'Go on', exact: true }).click();
    await finish(studio);
    const accuracy = parseFloat((await page.textContent('.tile .big')) ?? '') / 100;
    say(`TrAct reached ${(100 * accuracy).toFixed(1)} % on the test pictures.`);
    assert.ok(accuracy > WANTED || total < ENOUGH, `${accuracy} is not above ${WANTED}`);
    await studio.look('trained');

    await tryIt(studio, join(pictures, 'star'), total >= ENOUGH);
    const interrupted = await take(studio, folder, 'interrupted');
    await studio.look('take');
    resumeByCommand(interrupted);
    await page.setInputFiles('input[webkitdirectory]', interrupted);
    await page.waitForSelector('h1:has-text("Training with TrAct")');
    const steps = await stepOf(studio);
    const { length } = readFileSync(join(interrupted, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"step"'));
    assert.equal(steps, length, 'steps of the run that was opened');
    say('The command resumed it, and it was opened again.');

    await page.getByRole('button', { name: 'New run', exact: true }).click();
    await page.getByRole('button', { name: 'Start training', exact: true }).click();
    await finish(studio);
    const whole = await take(studio, folder, 'whole');
    const bytes = (run: string): Buffer => readFileSync(join(run, 'last.safetensors'));
    assert.ok(bytes(join(folder, 'kept')).equals(bytes(whole)), 'the weights of the two runs');
    say('An uninterrupted run has the same weights, bit for bit.');
    studio.assertQuiet();
  } finally {
    await studio.close();
  }
}

/** Puts pictures in order: a class of the webcam, a rename, a merge, a move, and deletions. */
async function curate({ page }: StudioPage, total: number): Promise<void> {
  await page.fill('input[aria-label="Name of a new class"]', 'camera');
  await page.getByRole('button', { name: 'Add class', exact: true }).click();
  await page.click('[aria-label="Webcam: record pictures of camera"]');
  const hold = page.locator('dialog button:has-text("Hold to record")');
  await hold.hover();
  await page.mouse.down();
  await page.waitForFunction(() => /(?:[2-9]|\d\d) pictures recorded/.test(document.body.innerText));
  await page.mouse.up();
  await page.click('dialog >> text=Close');
  await page.waitForFunction(() =>
    /(?:[2-9]|\d\d) pictures/.test((document.querySelector('[data-class=camera]') as HTMLElement).innerText),
  );
  await page.click('[aria-label="Look at all pictures of camera"]');
  await page.getByRole('button', { name: 'All of this page', exact: true }).click();
  await page.selectOption('select[aria-label="Use for training or testing"]', 'train');
  await page.getByRole('button', { name: 'All of this page', exact: true }).click();
  await page.selectOption('select[aria-label="Move to another class"]', { label: 'star' });
  await page.click('dialog >> text=Close');
  await page.fill('[aria-label="Name of the class camera"]', 'empty');
  await page.press('[aria-label="Name of the class camera"]', 'Enter');
  await page.click('[aria-label="Delete the class empty"]');
  await page.click('[aria-label="Look at all pictures of star"]');
  // Those of the camera came last.
  const next = page.locator('nav[aria-label=Pages] button:has-text("Next")');
  while ((await next.count()) > 0 && (await next.isEnabled())) await next.click();
  const shown = await page.locator('dialog .grid label:has(img[alt^=webcam])').all();
  for (const label of shown) await label.click();
  await page.locator('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.click('dialog >> text=Close');
  await page.waitForSelector(`text=${total.toLocaleString('en')} pictures of 10 classes`);
  const [zip] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as a zip', exact: true }).click(),
  ]);
  const entries = await zipEntries(new Blob([readFileSync(await zip.path())]));
  assert.equal(entries.length, total);
  assert.ok(entries.every(({ path }) => /^(?:train|test)\/[a-z]+\/\d+-\d+\.png$/.test(path)));
}

async function stepOf({ page }: StudioPage): Promise<number> {
  const text = (await page.textContent('.controls')) ?? '';
  return Number(/Step (\d+)/.exec(text)?.[1] ?? NaN);
}

async function reachStep({ page }: StudioPage, step: number): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      Number(/Step (\d+)/.exec(document.querySelector('.controls')?.textContent ?? '')?.[1]) >= wanted,
    step,
    { timeout: PATIENCE },
  );
}

async function finish({ page }: StudioPage): Promise<void> {
  await page.waitForSelector('.controls:has-text("finished")', { timeout: PATIENCE });
}

async function tryIt(studio: StudioPage, stars: string, learned: boolean): Promise<void> {
  const { page } = studio;
  await studio.goTo('Try');
  await page.waitForSelector('.matrix');
  await page.setInputFiles('.drop-zone input[type=file]', join(stars, readdirSync(stars).sort()[0]));
  await page.waitForSelector('.guesses li');
  assert.equal(await page.locator('.guesses li').count(), 5);
  if (learned) assert.equal(await page.textContent('.guesses li:first-child .name'), 'star');
  await studio.look('try');
  await page.click('.cell.right >> nth=0');
  await page.waitForSelector('dialog .sheet li');
  await studio.look('cell');
  await page.click('dialog >> text=Close');
  say('A picture was tried; a cell of the matrix shows its pictures.');
}

/** The run in its zip file, unpacked. */
async function take(studio: StudioPage, folder: string, name: string): Promise<string> {
  const { page } = studio;
  await studio.goTo('Take away');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save the run', exact: true }).click(),
  ]);
  const run = join(folder, name, 'studio-tract');
  for (const entry of await zipEntries(new Blob([readFileSync(await download.path())]))) {
    const file = join(folder, name, entry.path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, await entry.read());
  }
  if (name !== 'interrupted') return run;
  mkdirSync(join(folder, 'kept'));
  writeFileSync(join(folder, 'kept', 'last.safetensors'), readFileSync(join(run, 'last.safetensors')));
  for (const button of ['Save the model', 'Save the report']) {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: button, exact: true }).click(),
    ]);
    assert.ok(readFileSync(await file.path()).length > 1000, button);
  }
  return run;
}

function resumeByCommand(run: string): void {
  const tract = (...parameters: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...parameters], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  assert.match(tract('eval', run), /on \d+ test images of pictures: loss/);
  const { epochs } = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as { epochs: number };
  tract('train', '--resume', run, '--epochs', String(epochs + 1), '--threads', '2');
  assert.match(tract('predict', run, join(run, 'pictures', 'test', 'star')), /%\s+star/);
}
