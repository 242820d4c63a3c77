/**
 * Walks through the Studio as a user does, in a browser: `npm run studio:walk`, or with `-- --screenshots FOLDER`, or
 * `-- --pictures 300` for a quick look, which is too few to ask for an accuracy. A folder of
 * pictures is dropped, TrAct trained to above 90 %, the tab closed in the middle and opened again, a picture tried, a cell
 * of the confusion matrix opened, the run taken away, resumed by the command, and opened again.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Program } from '../../engine/session.js';
import { tensor } from '../../tensor/tensor.js';
import { noBrowser } from '../browser.js';
import { curate, tidy, writeUntidy } from './curate.js';
import { exchange, isolationAnywhere } from './elsewhere.js';
import { mishaps } from './mishaps.js';
import { StudioPage } from './studio-page.js';
import { tract } from './tract.js';

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
    await mishaps(join(folder, 'mishaps'));
    await exchange(join(folder, 'exchange'));
    await walk(folder, Number(values.pictures), values.screenshots);
  } finally {
    rmSync(folder, { recursive: true });
  }
  say('The whole way was walked.');
}

async function walk(folder: string, total: number, screenshots: string | undefined): Promise<void> {
  const pictures = join(folder, 'shapes');
  await writeUntidy(pictures, total);
  const studio = await StudioPage.open(screenshots === undefined ? {} : { screenshots });
  const { page } = studio;
  try {
    await page.waitForSelector('h1');
    await studio.look('welcome');
    await beforeAnything(studio);
    await tidy(studio, pictures, total);
    await curate(studio, total);
    await studio.look('pictures');
    say(
      `${total} pictures were added, and some moved, renamed and recorded, others put together or left out.`,
    );

    await studio.byKeyboard('On to the model');
    await page.check('label.card:has(b:text-is("TrAct")) input');
    await page.click('summary:has-text("Optimizer")');
    await studio.look('model');
    await studio.byKeyboard('On to training');
    await studio.byKeyboard('Start training');
    await studio.reachStep(10);
    await page.reload();
    say('The tab was loaded again in the middle.');
    await page.waitForSelector('.controls');
    await studio.pause();
    await studio.look('training');
    const one = await studio.steps();
    await studio.button('One step');
    await studio.reachStep(one + 1);
    await studio.button('Go on');
    await studio.finish();
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
    const steps = await studio.steps();
    const { length } = readFileSync(join(interrupted, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"step"'));
    assert.equal(steps, length, 'steps of the run that was opened');
    say('The command resumed it, and it was opened again.');

    await studio.button('New run');
    await studio.button('Start training');
    await studio.finish();
    const whole = await take(studio, folder, 'whole');
    const bytes = (run: string): Buffer => readFileSync(join(run, 'last.safetensors'));
    assert.ok(bytes(join(folder, 'kept')).equals(bytes(whole)), 'the weights of the two runs');
    say('An uninterrupted run has the same weights, bit for bit.');
    studio.assertQuiet();
  } finally {
    await studio.close();
  }
}

/** What the pages say where there is nothing yet, and the shapes. */
async function beforeAnything(studio: StudioPage): Promise<void> {
  const { page } = studio;
  // The first link leads to the content, not to another page.
  await studio.goTo('Model');
  await page.focus('.skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'stage');
  assert.match(page.url(), /#model$/);
  await studio.goTo('Try');
  await page.waitForSelector('h1:has-text("Nothing learned yet")');
  await studio.look('nothing-to-try');
  await studio.goTo('Pictures');
  await studio.button('Use the shapes');
  await page.waitForSelector('.class');
  await studio.look('shapes');
  await studio.goTo('Train');
  await page.waitForSelector('button:has-text("Start")');
  await studio.look('before-training');
  await studio.goTo('Pictures');
  await studio.button('Use your own pictures instead');
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

/** The run in its zip file, unpacked; of the first one the other files, too. */
async function take(studio: StudioPage, folder: string, name: string): Promise<string> {
  const run = await studio.takeRun(join(folder, name));
  if (name !== 'interrupted') return run;
  mkdirSync(join(folder, 'kept'));
  writeFileSync(join(folder, 'kept', 'last.safetensors'), readFileSync(join(run, 'last.safetensors')));
  await takesAnySize(await studio.saved('Save the model'));
  assert.match((await studio.saved('Save the report')).toString(), /TrAct on conv1, lambda 0\.1/);
  return run;
}

async function takesAnySize(model: Uint8Array): Promise<void> {
  const program = await Program.load(model, { provider: 'cpu' });
  const images = tensor('uint8', [1, 3, 40, 60], new Uint8Array(3 * 40 * 60));
  const { logits } = await program.run({ images });
  assert.ok(Array.from(logits.data, Number).every(Number.isFinite), String(logits.data));
  await program.release();
}

function resumeByCommand(run: string): void {
  assert.match(tract('eval', run), /on \d+ test images of pictures: loss/);
  const { epochs } = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as { epochs: number };
  tract('train', '--resume', run, '--epochs', String(epochs + 1), '--threads', '2');
  assert.match(tract('predict', run, join(run, 'pictures', 'test', 'star')), /%\s+star/);
}
