/** Pictures are added to the Studio and put in order, as a user does. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shapes } from '../../data/shapes.js';
import { zipEntries } from '../../studio/pictures/zip-reader.js';
import { writeClassFolders } from '../picture-files.js';
import type { StudioPage } from './studio-page.js';

/** Pictures that are in a class of their own at first, and those that are there twice. */
const [FEW, TWICE] = [3, 2];

/**
 * Writes a folder of `shapes` as people have them: with a file that is no picture, some that are there twice, and a class
 * under two names.
 */
export async function writeUntidy(folder: string, total: number): Promise<void> {
  const { train, imageShape, classNames } = shapes({ train: total, test: 10 });
  await writeClassFolders(folder, train, imageShape, classNames);
  writeFileSync(join(folder, classNames[0], 'broken.png'), 'this is no picture');
  const stars = readdirSync(join(folder, 'star')).sort();
  for (let i = 1; i <= TWICE; i++)
    copyFileSync(join(folder, 'star', stars[i]), join(folder, 'star', `9999${i}.png`));
  mkdirSync(join(folder, 'stars'));
  for (const name of stars.slice(-FEW)) renameSync(join(folder, 'star', name), join(folder, 'stars', name));
}

/** Drops that folder, and follows the advice. */
export async function tidy(studio: StudioPage, folder: string, total: number): Promise<void> {
  const { page } = studio;
  await studio.drop([folder]);
  await page.waitForSelector(`text=${(total + TWICE).toLocaleString('en')} pictures of 11 classes`);
  await page.waitForSelector('text=1 file could not be read');
  await page.waitForSelector('.note:has-text("“stars” has fewer than 10 pictures")');
  await page.waitForSelector(`.note:has-text("${TWICE} pictures are there twice")`);
  await studio.look('advice');
  await studio.button('Keep one of each');
  await page.waitForSelector(`text=${total.toLocaleString('en')} pictures of 11 classes`);
  assert.equal(await page.locator('.note:has-text("there twice")').count(), 0);
  // The page asks before it puts two classes together.
  await page.fill('[aria-label="Name of the class stars"]', 'star');
  await page.press('[aria-label="Name of the class stars"]', 'Enter');
  await page.waitForSelector(`text=${total.toLocaleString('en')} pictures of 10 classes`);
  assert.equal(await page.locator('.note:has-text("fewer than")').count(), 0);
}

/** A class of the webcam, a rename, a move, and deletions; then all of it as a zip. */
export async function curate(studio: StudioPage, total: number): Promise<void> {
  const { page } = studio;
  await page.fill('input[aria-label="Name of a new class"]', 'camera');
  await page.getByRole('button', { name: 'Add class', exact: true }).click();
  await page.click('[aria-label="Webcam: record pictures of camera"]');
  const hold = page.locator('dialog button:has-text("Hold to record")');
  await page.waitForSelector('dialog button:has-text("Hold to record")');
  await studio.look('webcam');
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
  await page.getByRole('button', { name: 'Use', exact: true }).click();
  await page.getByRole('button', { name: 'All of this page', exact: true }).click();
  await page.selectOption('select[aria-label="Move to another class"]', { label: 'star' });
  // Nothing is done by choosing: the arrow keys choose, too.
  await studio.look('class');
  await page.waitForSelector('dialog b:has-text("pictures chosen"):not(:text-is("0 pictures chosen"))');
  await page.getByRole('button', { name: 'Move', exact: true }).click();
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
  const entries = await zipEntries(new Blob([await studio.saved('Save as a zip')]));
  assert.equal(entries.length, total);
  assert.ok(entries.every(({ path }) => /^(?:train|test)\/[a-z]+\/\d+-\d+\.png$/.test(path)));
}
