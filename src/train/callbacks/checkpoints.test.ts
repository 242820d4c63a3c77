import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { shapes } from '../../data/shapes.js';
import { splitValidation } from '../../data/split-validation.js';
import { mlp } from '../../models/mlp.js';
import { sgd } from '../../optim/sgd.js';
import { restoreTrainer } from '../checkpoint.js';
import type { Callback, TrainerOptions } from '../options.js';
import { RunExistsError, readCheckpoint } from '../run-folder.js';
import { Trainer } from '../trainer.js';
import type { SavedCheckpoint } from './checkpoint-keeper.js';
import { checkpoints } from './checkpoints.js';
import { earlyStopping } from './early-stopping.js';
import { saveRun } from './save-run.js';

const folder = mkdtempSync(join(tmpdir(), 'tract-checkpoints-'));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Four steps an epoch. */
const dataset = splitValidation(shapes({ train: 80, test: 20 }), { share: 0.2, seed: 0 });
const options: TrainerOptions = {
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  batchSize: 16,
  threads: 1,
};
const create = (seed = 0): Promise<Trainer> =>
  Trainer.create(mlp({ width: 8, depth: 1 }), { ...options, seed });

/** Stops a run after a step. */
const stopAt =
  (step: number): Callback =>
  (event) =>
    event.event === 'step' && event.step === step ? 'stop' : undefined;

test('a run in a folder goes on to the bits of an uninterrupted one', async () => {
  const run = join(folder, 'run');
  const straight = await create();
  await straight.fit(dataset, { epochs: 3 });

  const begun = await create();
  const saved: SavedCheckpoint[] = [];
  const kept = checkpoints(begun, run, { dataset, epochs: 3, onSaved: (one) => saved.push(one) });
  const { interrupted } = await begun.fit(dataset, { epochs: 3, callbacks: [kept, stopAt(6)] });
  assert.ok(interrupted);
  await begun.release();
  assert.deepEqual(
    saved.map(({ kind, step }) => [kind, step]),
    [
      ['last', 0],
      ['best', 4],
      ['last', 4],
      ['last', 6],
    ],
  );
  assert.deepEqual(readdirSync(run).sort(), [
    'best.safetensors',
    'config.json',
    'last.safetensors',
    'metrics.jsonl',
  ]);

  const resumed = await restoreTrainer(await readCheckpoint(join(run, 'last.safetensors')));
  await resumed.fit(dataset, { epochs: 3, callbacks: [checkpoints(resumed, run, { dataset, epochs: 3 })] });
  assert.deepEqual(await resumed.state(), await straight.state());
  const steps = readFileSync(join(run, 'metrics.jsonl'), 'utf8').match(/"event":"step","step":\d+/g)!;
  assert.deepEqual(
    steps.map((line) => Number(line.split(':').at(-1))),
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  const { config, state } = await readCheckpoint(join(run, 'last.safetensors'));
  assert.equal(state.progress.step, 12);
  assert.equal(config.epochs, 3);
  assert.equal(config.data.validationImages, 16);

  // Another run, and the same one further back, are kept out.
  const other = await create(1);
  await other.fit(dataset, { epochs: 1 });
  const into = (trainer: Trainer): Callback[] => [checkpoints(trainer, run, { dataset, epochs: 4 })];
  await assert.rejects(other.fit(dataset, { epochs: 4, callbacks: into(other) }), /holds another run/);
  const young = await create();
  await assert.rejects(young.fit(dataset, { epochs: 4, callbacks: into(young) }), RunExistsError);
  await young.fit(dataset, { epochs: 1 });
  await assert.rejects(
    young.fit(dataset, { epochs: 4, callbacks: into(young) }),
    /holds this run at step 12, and the trainer is at step 4/,
  );
  await assert.rejects(saveRun(other, run, { dataset }), RunExistsError);
  // They did nothing: the trainers are where they were, the folder is whole and free.
  assert.equal(young.progress.step, 4);
  assert.equal((await readCheckpoint(join(run, 'last.safetensors'))).state.progress.step, 12);
  for (const trainer of [straight, resumed, other, young]) await trainer.release();
});

test('a run that cannot start leaves nothing behind', async () => {
  const run = join(folder, 'none');
  const trainer = await create();
  const callbacks = [checkpoints(trainer, run, { dataset, epochs: 1 })];
  await assert.rejects(trainer.fit(dataset, { epochs: 0, callbacks }));
  assert.ok(!existsSync(run));
  await assert.rejects(async () => {
    await callbacks[0]({ event: 'step' } as Parameters<Callback>[0]);
  }, /begin\(\) comes before the first event/);
  await trainer.release();
});

test('early stopping ends a run, and its last step is kept', async () => {
  const run = join(folder, 'stopped');
  const trainer = await create();
  const { interrupted, evaluation } = await trainer.fit(dataset, {
    epochs: 5,
    callbacks: [
      checkpoints(trainer, run, { dataset, epochs: 5 }),
      earlyStopping({ patience: 1, minimumImprovement: 100 }),
    ],
  });
  assert.ok(interrupted && evaluation);
  const { state } = await readCheckpoint(join(run, 'last.safetensors'));
  assert.equal(state.progress.epoch, 2);
  await trainer.release();
});

test('callbacks begin before the run, get every event, and end however it ended', async () => {
  const told: string[] = [];
  const named = (name: string, fails = ''): Callback =>
    Object.assign(
      ({ event }: { event: string }) => {
        if (event === fails) throw new Error(`${name} failed`);
        if (event === 'epoch') told.push(`${name} epoch`);
      },
      {
        begin: () => void told.push(`${name} begins`),
        end: (result?: object) => {
          told.push(`${name} ends ${result ? 'well' : 'badly'}`);
          if (fails === 'end') throw new Error(`${name} failed`);
        },
      },
    );
  const trainer = await create();
  await assert.rejects(
    trainer.fit(dataset, { epochs: 1, callbacks: [named('a', 'end'), named('b')] }),
    /a failed/,
  );
  await assert.rejects(
    trainer.fit(dataset, { epochs: 2, callbacks: [named('c', 'end'), named('d', 'step')] }),
    /d failed/,
  );
  await trainer.release();
  assert.deepEqual(told, [
    ...['a begins', 'b begins', 'a epoch', 'b epoch', 'a ends well', 'b ends well'],
    ...['c begins', 'd begins', 'c ends badly', 'd ends badly'],
  ]);
});

test('a trainer is saved as a file or a folder, whoever made its steps', async () => {
  const { mean, deviation, train } = dataset;
  const trainer = await Trainer.create(mlp({ width: 8, depth: 1 }), {
    ...options,
    standardization: { mean: mean.map((value) => value / 2), deviation },
  });
  const size = train.images.length / train.labels.length;
  const batch = { images: train.images.slice(0, 16 * size), labels: Array.from(train.labels).slice(0, 16) };
  for (let i = 0; i < 6; i++) await trainer.step(batch);
  const file = await saveRun(trainer, join(folder, 'deep', 'own.safetensors'), { dataset });
  const inFolder = await saveRun(trainer, join(folder, 'own'), { dataset });
  assert.equal(inFolder, join(folder, 'own', 'last.safetensors'));
  assert.ok(readFileSync(file).equals(readFileSync(inFolder)));

  await assert.rejects(
    saveRun(trainer, join(file, 'x.safetensors'), { dataset }),
    /x\.safetensors cannot be written: something on the way to it is a file/,
  );

  // Six steps are an epoch of four and a half, as a file has it.
  const restored = await restoreTrainer(await readCheckpoint(file));
  assert.equal(restored.progress.epoch, 1);
  assert.equal(restored.progress.stepInEpoch, 2);
  assert.deepEqual(await restored.weights(), await trainer.weights());
  assert.deepEqual(restored.standardization, trainer.standardization);

  // And again, further on.
  await trainer.step(batch);
  await saveRun(trainer, join(folder, 'own'), { dataset });
  assert.equal((await readCheckpoint(inFolder)).state.progress.step, 7);
  await trainer.release();
  await restored.release();
});
