import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { temporaryFolder } from '../testing/command.js';
import { writePhotographs } from './photographs.js';

test('photographs are JPEG files of 256 to 500 pixels a side, each another one, and the same every time', async () => {
  const [a, b] = [join(temporaryFolder(), 'a'), join(temporaryFolder(), 'b')];
  assert.ok((await writePhotographs(a, 2)) > 20_000);
  await writePhotographs(b, 2);
  const files = readdirSync(a, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jpg'));
  assert.deepEqual(files.sort(), [join('class0', '0.jpg'), join('class1', '1.jpg')]);
  const [first, second] = files.map((file) => readFileSync(join(a, file)));
  assert.ok(!first.equals(second));
  assert.ok(first.equals(readFileSync(join(b, files[0]))));
  const { format, width, height } = await sharp(first).metadata();
  assert.equal(format, 'jpeg');
  assert.ok([width, height].every((side) => side >= 256 && side <= 500));
});
