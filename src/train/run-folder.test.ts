import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tensor } from '../tensor/tensor.js';
import { temporaryFolder } from '../testing/command.js';
import { type FileSystem, OutputError, outputError, writeAtomically } from '../data/atomic-write.js';
import { type Checkpoint } from './checkpoint.js';
import { DivergenceError } from './divergence.js';
import { RunFolder, findCheckpoint, readCheckpoint } from './run-folder.js';

const folder = temporaryFolder();

/** The smallest model there is: one weight and one bias a layer. */
const model = { classes: 1, imageSize: 1, channels: 1, width: 1, depth: 1 };

/** Of a run with two steps an epoch. */
const checkpoint = (step: number, weight = step): Checkpoint => ({
  config: {
    data: { name: 'shapes', classNames: ['a'], trainImages: 2, testImages: 1, mean: [0], deviation: [1] },
    model: { name: 'mlp', config: model },
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
    tensors: {
      'layers.0.weight': tensor('float32', [1, 1], [weight]),
      'layers.0.bias': tensor('float32', [1], [0]),
      'layers.1.weight': tensor('float32', [1, 1], [0]),
      'layers.1.bias': tensor('float32', [1], [0]),
    },
    weightNames: ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias'],
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
  await good.close();
  for (const [code, message] of [
    ['ENOSPC', /last\.safetensors cannot be written: the disk is full \(ENOSPC\); make room/],
    ['EROFS', /the disk is read-only/],
    ['EIO', /simulated \(EIO\)/],
  ] as const) {
    const full = await RunFolder.resume(path, small(100, code));
    await assert.rejects(full.save('last', checkpoint(2)), (error) => {
      assert.ok(error instanceof OutputError);
      assert.match(error.message, message);
      return true;
    });
    await full.close();
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
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('file')),
    ['file'],
  );
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
    assert.match(error.message, /"layers\.0\.weight" holds NaN or infinite values after step 2/);
    return true;
  });
  assert.equal((await readCheckpoint(run.file('last'))).state.progress.step, 1);
  // Finite, though the sum of squares is not.
  await run.save('last', checkpoint(3, 3e38));
  await run.close();
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
  const resumed = await RunFolder.resume(run.path);
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
  assert.ok(!readdirSync(folder).includes('a'), 'a folder around it was left behind');
  mkdirSync(path, { recursive: true });
  await (await RunFolder.create(path)).close();
  assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['c'], 'a folder of the user was removed');
  const fresh = await RunFolder.createFresh(path);
  assert.equal(fresh.path, `${path}-2`);
  // At the same time, so that all see the same names free.
  const more = await Promise.all([1, 2, 3].map(() => RunFolder.createFresh(path)));
  assert.deepEqual(
    more.map((run) => run.path).sort(),
    [3, 4, 5].map((number) => `${path}-${number}`),
  );
  for (const run of [fresh, ...more]) await run.close();
  const run = await RunFolder.create(path);
  await run.save('last', checkpoint(1));
  await run.close();
  await assert.rejects(RunFolder.create(path), /holds a run already/);
  assert.equal(await findCheckpoint(path, ['best', 'last']), join(path, 'last.safetensors'));
  await assert.rejects(findCheckpoint(path, ['best']), /is no folder of a run/);
  await assert.rejects(RunFolder.resume(join(folder, 'nothing')), /there is no folder/);
});

test('a run that made no step is discarded, and one that was killed before it could be is replaced', async () => {
  const path = join(folder, 'no-step');
  const { config, state } = checkpoint(0);
  const begun = async (): Promise<RunFolder> => {
    const run = await RunFolder.create(path);
    await run.begin(config, state.progress);
    await run.save('last', checkpoint(0));
    return run;
  };
  await (await begun()).discard();
  assert.ok(!readdirSync(folder).includes('no-step'));
  // What else is in the folder stays.
  mkdirSync(path);
  writeFileSync(join(path, 'notes.txt'), '');
  await (await begun()).discard();
  assert.deepEqual(readdirSync(path), ['notes.txt']);
  // As if killed: the files stay.
  await (await begun()).close();
  await (await begun()).close();
  // A run that goes on loses nothing.
  await (await RunFolder.resume(path)).discard();
  assert.ok(readdirSync(path).includes('last.safetensors'));
  // One that made steps, and was killed before the next checkpoint, is a run.
  writeFileSync(join(path, 'metrics.jsonl'), '{"event":"step","step":1}\n');
  await assert.rejects(RunFolder.create(path), /holds a run already/);
  // And what cannot be read is not ours to remove.
  writeFileSync(join(path, 'metrics.jsonl'), '');
  writeFileSync(join(path, 'last.safetensors'), 'something else');
  await assert.rejects(RunFolder.create(path), /holds a run already/);
});

test('a temporary file follows no link, and two writers of one file do not mix', async () => {
  const path = join(folder, 'written');
  const opened: string[] = [];
  const recording: FileSystem = {
    rename,
    open(name, flags) {
      opened.push(name);
      assert.equal(flags, 'wx');
      return open(name, flags);
    },
  };
  const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000));
  await Promise.all(texts.map((text) => writeAtomically(path, text, recording)));
  assert.equal(new Set(opened).size, 3);
  assert.ok(texts.includes(readFileSync(path, 'utf8')));
  // A link where the temporary file would be: as it is refused, what it points to stays as it was.
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'precious');
  const trap: FileSystem = {
    rename,
    open(name, flags) {
      symlinkSync(victim, name);
      return open(name, flags);
    },
  };
  await assert.rejects(writeAtomically(path, 'new', trap), OutputError);
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
});
