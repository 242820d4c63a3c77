import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tensor } from '../tensor/tensor.js';
import { temporaryFolder } from '../testing/command.js';
import { type FileSystem, OutputError, outputError, writeAtomically } from './atomic-write.js';
import { type Checkpoint } from './checkpoint.js';
import { DivergenceError } from './divergence.js';
import { RunFolder, findCheckpoint, freshRunFolder, readCheckpoint } from './run-folder.js';

const folder = temporaryFolder();

const checkpoint = (step: number, weight = step): Checkpoint => ({
  config: {
    data: { name: 'shapes', classNames: ['a'], trainImages: 1, testImages: 1, mean: [0], deviation: [1] },
    model: { name: 'mlp', config: {} },
    tract: null,
    optimizer: { name: 'sgd', config: {} },
    schedule: { name: 'constant', config: { lr: 1 } },
    batchSize: 1,
    seed: 0,
    labelSmoothing: 0,
    epochs: 3,
    maxSteps: null,
    augmentation: null,
  },
  state: {
    tensors: { weight: tensor('float32', [1], [weight]) },
    progress: {
      epoch: Math.floor(step / 2),
      stepInEpoch: step % 2,
      step,
      lossSum: 0,
      correctSum: 0,
      bestAccuracy: -1,
      random: [1, 2, 3, 4],
    },
  },
});

const systemError = (code: string): Error => Object.assign(new Error(`${code}: simulated`), { code });

/** A file system whose files take `room` bytes before they fail. */
function small(room: number, code: string): FileSystem {
  return {
    rename,
    async open(path, flags) {
      const file = await open(path, flags);
      const writeFile = async (bytes: Uint8Array): Promise<void> => {
        await file.write(bytes.subarray(0, room));
        throw systemError(code);
      };
      const handle = { writeFile, sync: () => file.sync(), close: () => file.close() };
      return handle as unknown as FileHandle;
    },
  };
}

test('a full disk costs nothing: the checkpoint before is whole, and no temporary file is left', async () => {
  const path = join(folder, 'full');
  const good = await RunFolder.create(path);
  await good.save('last', checkpoint(1));
  const before = readFileSync(good.file('last'));
  for (const [code, message] of [
    ['ENOSPC', /last\.safetensors cannot be written: the disk is full \(ENOSPC\); make room/],
    ['EROFS', /the disk is read-only/],
    ['EIO', /simulated \(EIO\)/],
  ] as const) {
    const full = RunFolder.resume(path, small(100, code));
    await assert.rejects(full.save('last', checkpoint(2)), (error) => {
      assert.ok(error instanceof OutputError);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(readdirSync(path), ['last.safetensors']);
    assert.ok(readFileSync(good.file('last')).equals(before));
  }
});

test('a move that fails leaves the old file and no other', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'old');
  const files = { open, rename: () => Promise.reject(systemError('EACCES')) };
  await assert.rejects(writeAtomically(path, 'new', files), /may not be written to \(EACCES\)/);
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.ok(!readdirSync(folder).includes('file.tmp'));
  await writeAtomically(path, 'new');
  assert.equal(readFileSync(path, 'utf8'), 'new');
});

test('errors that are not of the file system stay what they are', () => {
  const error = new TypeError('a mistake');
  assert.equal(outputError(error, 'x'), error);
  const argument = Object.assign(new TypeError('a mistake'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(outputError(argument, 'x'), argument);
});

test('a state with NaN does not replace a good one', async () => {
  const run = await RunFolder.create(join(folder, 'diverged'));
  await run.save('last', checkpoint(1));
  await assert.rejects(run.save('last', checkpoint(2, NaN)), (error) => {
    assert.ok(error instanceof DivergenceError);
    assert.match(error.message, /"weight" holds NaN or infinite values after step 2/);
    return true;
  });
  assert.equal((await readCheckpoint(run.file('last'))).state.progress.step, 1);
  // Finite, though the sum of squares is not.
  await run.save('last', checkpoint(3, 3e38));
});

test('metrics go on from what the checkpoint knows', async () => {
  const run = await RunFolder.create(join(folder, 'metrics'));
  const file = join(run.path, 'metrics.jsonl');
  const { config, state } = checkpoint(3);
  await run.begin(config, checkpoint(0).state.progress);
  const lines = [
    '{"event":"evaluation","epoch":1,"step":0}',
    '{"event":"step","step":1}',
    '{"event":"step","step":2}',
    '{"event":"epoch","epoch":1,"step":2}',
    '{"event":"step","step":3}',
  ];
  const later = [
    // Due where the run goes on, so that it is made again.
    '{"event":"evaluation","epoch":2,"step":3}',
    '{"event":"step","step":4}',
    '{"event":"epoch","epoch":2,"step":4}',
    '{"ev',
  ];
  writeFileSync(file, [...lines, ...later].join('\n'));
  await run.close();
  const resumed = RunFolder.resume(run.path);
  await resumed.begin(config, state.progress);
  const event = {
    event: 'step',
    step: 4,
    steps: 6,
    epoch: 2,
    loss: 1,
    accuracy: 0,
    learningRate: 1,
    imagesPerSecond: 1,
  } as const;
  resumed.record(event);
  await resumed.close();
  assert.deepEqual(readFileSync(file, 'utf8').trim().split('\n'), [...lines, JSON.stringify(event)]);
});

test('folders: made with those around them, removed if nothing came of the run, never taken twice', async () => {
  const path = join(folder, 'a', 'b', 'c');
  await (await RunFolder.create(path)).close();
  assert.deepEqual(readdirSync(join(folder, 'a', 'b')), []);
  mkdirSync(path);
  await (await RunFolder.create(path)).close();
  assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['c'], 'a folder of the user was removed');
  assert.equal(await freshRunFolder(path), `${path}-2`);
  await (await RunFolder.create(path)).save('last', checkpoint(1));
  await assert.rejects(RunFolder.create(path), /holds a run already/);
  assert.equal(await findCheckpoint(path, ['best', 'last']), join(path, 'last.safetensors'));
  await assert.rejects(findCheckpoint(path, ['best']), /is no folder of a run/);
});
