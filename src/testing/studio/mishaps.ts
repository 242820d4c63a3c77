/** What people drop by mistake, or while something else is going on: said in words, and nothing is lost. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shapes } from '../../data/shapes.js';
import { zipEntries } from '../../studio/pictures/zip-reader.js';
import { StudioPage } from './studio-page.js';

const SIDE = 32;
/** Of each class. */
const PICTURES = 12;

/** Files that are broken, or of another kind; BMP files; a picture in two classes; a choice of cameras. */
export async function mishaps(folder: string, screenshots?: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const studio = await StudioPage.open(screenshots === undefined ? {} : { screenshots });
  const { page } = studio;
  const told = (text: string): Promise<unknown> => page.waitForSelector(`.problem:has-text("${text}")`);
  try {
    await page.waitForSelector('h1');
    await studio.drop([file('broken.zip', 'this is no zip')]);
    await told('broken.zip cannot be used: it is no zip file');
    await page.waitForSelector('h1:has-text("Teach your browser to see")');
    await studio.drop([file('junk.onnx', 'junkjunk')]);
    await told('junk.onnx cannot be used: not an ONNX model');
    assert.match(page.url(), /#model$/);
    await studio.drop([file('junk.safetensors', 'junk')]);
    await told('junk.safetensors cannot be used: 4 bytes are too few');

    await studio.goTo('Pictures');
    await studio.drop([writeBmps(join(folder, 'bmps'))]);
    await page.waitForSelector(`text=${2 * PICTURES} pictures of 2 classes`);
    await page.waitForSelector('.note:has-text("1 picture is in more than one class")');
    await studio.button('Leave out what is in more than one class');
    await page.waitForSelector(`text=${2 * PICTURES - 2} pictures of 2 classes`);
    const entries = await zipEntries(new Blob([await studio.saved('Save as a zip')]));
    assert.equal(entries.length, 2 * PICTURES - 2);
    for (const entry of entries) {
      assert.match(entry.path, /\.png$/);
      assert.equal(Buffer.from(await entry.read()).toString('latin1', 1, 4), 'PNG');
    }

    const long = 'a name that somebody has written without thinking of telephones '.repeat(2).trim();
    await page.fill('[aria-label="Name of the class second"]', long);
    await page.press('[aria-label="Name of the class second"]', 'Enter');
    for (const name of ['first', long.slice(0, 100).trim()]) {
      await page.click(`[aria-label="Look at all pictures of ${name}"]`);
      await studio.button('All of this page');
      await studio.look('long names');
      await page.click('dialog >> text=Close');
    }

    await page.click('[aria-label="Webcam: record pictures of first"]');
    await page.waitForSelector('select[aria-label="Camera"]');
    await page.selectOption('select[aria-label="Camera"]', { index: 1 });
    await page.waitForSelector('dialog button:has-text("Hold to record"):enabled');
    await page.click('dialog >> text=Close');
    studio.assertQuiet();
  } finally {
    await studio.close();
  }
  console.log('What is dropped by mistake is named; BMP files are saved as PNG.');
}

/** Two classes, whose first pictures are equal. */
function writeBmps(folder: string): string {
  const { train } = shapes({ train: 2 * PICTURES, test: 10 });
  const bytes = 3 * SIDE * SIDE;
  for (const [label, name] of ['first', 'second'].entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < PICTURES; i++) {
      const image = i === 0 ? 0 : label * PICTURES + i;
      writeFileSync(
        join(folder, name, `${i}.bmp`),
        bmp(train.images.subarray(image * bytes, (image + 1) * bytes)),
      );
    }
  }
  return folder;
}

/** @param planes uint8 [3, SIDE, SIDE] @returns a BMP file of 24 bits a pixel, its rows from the bottom up */
function bmp(planes: Uint8Array): Buffer {
  const [head, area] = [54, SIDE * SIDE];
  const file = Buffer.alloc(head + 3 * area);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(head, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(SIDE, 18);
  file.writeInt32LE(SIDE, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let pixel = 0; pixel < area; pixel++) {
    const from = (SIDE - 1 - Math.floor(pixel / SIDE)) * SIDE + (pixel % SIDE);
    for (let channel = 0; channel < 3; channel++)
      file[head + 3 * pixel + channel] = planes[(2 - channel) * area + from];
  }
  return file;
}
