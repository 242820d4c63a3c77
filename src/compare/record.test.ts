import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readMetrics } from './record.js';

const folder = mkdtempSync(join(tmpdir(), 'tract-record-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const read = (...lines: readonly string[]): ReturnType<typeof readMetrics> => {
  writeFileSync(join(folder, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
  return readMetrics(folder, 10);
};

test('metrics become a curve and the times of steps', async () => {
  const { curve, stepSeconds } = await read(
    '{"event":"step","step":1,"imagesPerSecond":20}',
    '{"event":"step","step":2,"imagesPerSecond":null}',
    '{"event":"epoch","epoch":1,"step":2,"testLoss":null,"testAccuracy":0.5}',
    '{"event":"evaluation","epoch":1,"step":0,"testLoss":2,"testAccuracy":0.1}',
  );
  assert.deepEqual(stepSeconds, [0.5, 0]);
  assert.deepEqual(curve, [
    { step: 0, accuracy: 0.1, loss: 2 },
    { step: 2, accuracy: 0.5, loss: NaN },
  ]);
});

test('a line that records no event is named', async () => {
  const good = '{"event":"step","step":1,"imagesPerSecond":20}';
  for (const bad of [
    '{"ev',
    'null',
    '7',
    '[]',
    '{}',
    '{"event":"toString","step":1}',
    '{"event":"step","step":-1}',
    '{"event":"epoch","step":1}',
  ])
    await assert.rejects(read(good, bad), {
      name: 'CheckpointError',
      message: `line 2 of ${join(folder, 'metrics.jsonl')} records no event of a run`,
    });
  await assert.rejects(read('{"event":"evaluation","step":1,"testLoss":1,"testAccuracy":"0.5"}'), {
    name: 'CheckpointError',
    message: /^testAccuracy in line 1 of .* must be a finite number, but is "0\.5"$/,
  });
});
