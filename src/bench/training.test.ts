import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { vit } from '../models/vit.js';
import { sgd } from '../optim/sgd.js';
import type { BenchCase } from './cases.js';
import { type ProfileEvent, summarizeProfile } from './profile.js';
import { prepare } from './training.js';

const tiny: BenchCase = {
  name: 'tiny',
  description: 'a small transformer',
  batchSize: 2,
  model: () => vit({ width: 8, depth: 1, heads: 2 }),
  optimizer: () => sgd({ learningRate: 0.1 }),
};

it('prepares a step, and its profile names the layers', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-test-'));
  try {
    const seen: string[] = [];
    const training = await prepare(tiny, {
      tract: true,
      profile: path.join(folder, 'profile'),
      onStage: (stage) => seen.push(stage),
    });
    assert.deepEqual(seen, ['built', 'lowered', 'session']);
    assert.ok(training.stateBytes > 0);
    for (let i = 0; i < 3; i++) await training.step();
    await training.release();
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as ProfileEvent[];
    const profile = summarizeProfile(events, 1);
    assert.equal(profile.steps, 2);
    assert.ok(Number.isInteger(profile.kernels));
    const layer = profile.layers.find((one) => one.layer === 'patch_embed.proj');
    assert.ok(layer && layer.milliseconds.tract > 0 && layer.milliseconds.forward > 0);
    assert.ok(profile.peakBytes > 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
