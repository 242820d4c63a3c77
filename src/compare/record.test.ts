import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Metrics } from './record.js';

const folder = mkdtempSync(join(tmpdir(), 'tract-record-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const read = (...lines: readonly string[]): Promise<Metrics> => {
  writeFileSync(join(folder, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
  return Metrics.read(folder, 10, [0, 1, 2]);
};

test('metrics become a curve and the median time of a step', async () => {
  const metrics = await read(
    '{"event":"step","step":1,"imagesPerSecond":20}',
    '{"event":"step","step":2,"imagesPerSecond":null}',
    '{"event":"epoch","epoch":1,"step":2,"testLoss":1,"testAccuracy":0.5}',
    '{"event":"evaluation","epoch":1,"step":0,"testLoss":2,"testAccuracy":0.1}',
    '{"event":"evaluation","epoch":1,"step":3,"testLoss":2,"testAccuracy":0.1}',
  );
  assert.equal(metrics.secondsPerStep, 0.5);
  assert.deepEqual(metrics.curve, [
    { step: 0, accuracy: 0.1, loss: 2 },
    { step: 2, accuracy: 0.5, loss: 1 },
  ]);
});

test('what a line does not record is missing', async () => {
  const metrics = await read(
    '{"ev',
    'null',
    '7',
    '[]',
    '{}',
    '{"event":"toString","step":1}',
    '{"event":"step","step":-1}',
    '{"event":"epoch","step":1}',
    '{"event":"evaluation","step":1,"testLoss":1,"testAccuracy":"0.5"}',
    '{"event":"evaluation","step":2,"testLoss":null,"testAccuracy":0.5}',
  );
  assert.deepEqual(metrics.curve, []);
  assert.ok(!metrics.has(1));
  assert.equal(metrics.secondsPerStep, 0);
});
