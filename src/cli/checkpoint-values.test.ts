/** Checkpoints whose description holds values that cannot be: what is said of them, and that nothing else happens. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageDataset } from '../data/dataset.js';
import { mlp } from '../models/mlp.js';
import { adam } from '../optim/adam.js';
import { sgd } from '../optim/sgd.js';
import { cosine } from '../optim/schedule.js';
import { type GradientTransform, clipByGlobalNorm } from '../optim/transform.js';
import { fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { temporaryFolder, tract as command } from '../testing/command.js';
import { tract } from '../tract/tract.js';
import { restoreTrainer, toCheckpoint } from '../train/checkpoint.js';
import { describeRun } from '../train/run-config.js';
import { runOptionsOf } from '../train/run-parts.js';
import { RunFolder, describedError, readCheckpoint } from '../train/run-folder.js';
import { CheckpointError } from '../train/json-check.js';
import type { TrainerOptions } from '../train/options.js';
import { Trainer } from '../train/trainer.js';
import { failureOf } from './errors.js';

const folder = temporaryFolder();

const split = (images: number) => ({
  images: Uint8Array.from({ length: images * 48 }, (_, i) => (i * 37) % 256),
  labels: Uint8Array.from({ length: images }, (_, i) => i % 3),
});
const dataset: ImageDataset = {
  name: 'shapes',
  classNames: ['a', 'b', 'c'],
  imageShape: [3, 4, 4],
  mean: [0.5, 0.5, 0.5],
  deviation: [0.25, 0.25, 0.25],
  augmentation: [randomCrop({ padding: 1 }), randomHorizontalFlip()],
  train: split(12),
  test: split(6),
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Stored = ReturnType<typeof fromSafetensors>;
let stored: Stored;
/** Of a run with all that one may have beside that. */
let grouped: Stored;

before(async () => {
  stored = await stopped();
  grouped = await stopped([clipByGlobalNorm(5)], {
    groups: [
      { parameters: 'bias', weightDecay: 0, learningRateFactor: 0.5 },
      { parameters: 'head', optimizer: adam({ learningRate: 0.01 }) },
    ],
    shards: 2,
  });
});

/** The checkpoint of a run that was stopped. */
async function stopped(
  transforms: readonly GradientTransform[] = [],
  more: Partial<TrainerOptions> = {},
): Promise<Stored> {
  const own = mlp({ classes: 3, imageSize: 4, width: 4, depth: 1 });
  const model = tract({ model: own, transforms }, { lambda: { relative: 0.1 } });
  const options = {
    optimizer: sgd({ learningRate: cosine(0.01, { warmup: 2 }), momentum: 0.9, weightDecay: 1e-4 }),
    batchSize: 4,
    seed: 1,
    labelSmoothing: 0.1,
    threads: 1,
    ...more,
  };
  const trainer = await Trainer.create(model, options);
  const controller = new AbortController();
  const fit = { epochs: 3, maxSteps: 8 };
  await trainer.fit(dataset, {
    ...fit,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.event === 'step' && event.step === 4) controller.abort();
    },
  });
  const config = describeRun(model, options, dataset, fit);
  const state = await trainer.state();
  await trainer.release();
  return fromSafetensors(toCheckpoint({ config, state }));
}

/** The file of a checkpoint with one value put in the place of another. */
function edited(
  part: string,
  path: readonly string[],
  value: Json | undefined,
  { tensors, metadata } = stored,
): Uint8Array {
  const root = { [part]: JSON.parse(metadata[part]) as Json } as { [key: string]: Json | undefined };
  const parents = [part, ...path].slice(0, -1);
  const parent = parents.reduce((at, key) => at[key] as typeof root, root);
  const key = [part, ...path].at(-1)!;
  // As JSON: undefined becomes a hole in a list.
  parent[key] = value;
  return toSafetensors({ tensors, metadata: { ...metadata, [part]: JSON.stringify(root[part] ?? null) } });
}

/** The paths of all values, those of objects and lists among them. */
function places(value: Json, path: readonly string[] = []): string[][] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [[...path], ...inner.flatMap(([key, item]) => places(item, [...path, key]))];
}

const values: readonly (Json | undefined)[] = [
  ...[1e300, -1e300, 1e-300, 0, -1, 2 ** 53, 2 ** 53 - 1, 1e9, 1e5, 255, 5, 3, 2, 1, 0.5, -0.1],
  ...[undefined, null, true, false, '', 'x', '1', [], {}, [null], { a: 1 }, { relative: -1 }],
  ...['resnet18', 'mlp', 'adam', 'constant', '__proto__', 'constructor'],
];

/** Puts every value in every one of the places; says how many were refused, and how many were not. */
async function tryValues(
  file: Stored,
  chosen: (place: readonly string[]) => boolean,
): Promise<readonly [refused: number, accepted: number]> {
  const path = join(folder, 'edited.safetensors');
  let [refused, accepted] = [0, 0];
  for (const part of ['config', 'progress']) {
    for (const place of places(JSON.parse(file.metadata[part]) as Json).filter(chosen)) {
      let trained = 0;
      for (const value of values) {
        const about = `${[part, ...place].join('.')} = ${JSON.stringify(value)}`;
        writeFileSync(path, edited(part, place, value, file));
        let checkpoint;
        try {
          checkpoint = await readCheckpoint(path);
        } catch (error) {
          refused++;
          assert.ok(error instanceof CheckpointError, `${about}: ${String((error as Error).stack)}`);
          assert.match(error.message, /^\S+edited\.safetensors cannot be used: [^\n]{10,400}$/, about);
          continue;
        }
        // What passes is a run that goes on. The name of a class, say, may be anything, which takes no more trials.
        accepted++;
        if (++trained > 4) continue;
        try {
          const trainer = await restoreTrainer(checkpoint, { threads: 1 });
          const controller = new AbortController();
          await trainer.fit(dataset, {
            ...runOptionsOf(checkpoint.config),
            signal: controller.signal,
            onEvent: () => {
              controller.abort();
            },
          });
          await trainer.release();
        } catch (error) {
          const message = failureOf(describedError(path, error)).message.join('\n');
          assert.match(message, /^error: [^\n]+$/, `${about}: ${message}`);
        }
      }
    }
  }
  return [refused, accepted];
}

test('any value anywhere: either it can be, or one sentence says what is wrong in which file', async () => {
  const [refused, accepted] = await tryValues(stored, () => true);
  // Most values can be in no place but their own; some can be in many (a seed, a name).
  assert.ok(refused > 1000, `${refused} refused`);
  assert.ok(accepted > 100, `${accepted} accepted`);
});

test('so too in the groups, the shards and the transforms of a run that has some', async () => {
  const [refused, accepted] = await tryValues(grouped, ([entry]) =>
    ['groups', 'shards', 'transforms'].includes(entry),
  );
  assert.ok(refused > 300, `${refused} refused`);
  assert.ok(accepted > 10, `${accepted} accepted`);
});

const impossible: readonly [string, readonly string[], Json | undefined, RegExp][] = [
  ['config', ['model', 'config', 'depth'], 0, /: model: mlp: depth must be a positive whole number, not 0/],
  [
    'config',
    ['model', 'config', 'depth'],
    65_536,
    /: "layers\.1\.weight" is float32 \[4, 4\] in the model, but/,
  ],
  ['config', ['model', 'config', 'width'], '5', /: model: mlp: width must be a number, not "5"/],
  ['config', ['model', 'config', 'colour'], 1, /: model: mlp has no option "colour"; it has classes/],
  [
    'config',
    ['data', 'mean'],
    [0.5],
    /: data\.mean must have one entry for each of the model's 3 channels, but has 1/,
  ],
  ['config', ['data', 'mean', '0'], 127, /: data\.mean\[0\] must be a number from 0 to 1, but is 127/],
  [
    'config',
    ['data', 'deviation', '1'],
    0,
    /: data\.deviation\[1\] must be a number above 0 and at most 1, but is 0/,
  ],
  ['config', ['data', 'deviation', '1'], 1e-45, /: data\.deviation\[1\] must be a number above 0/],
  ['config', ['data', 'classNames'], ['a'], /: data\.classNames must have one entry .* 3 classes, but has 1/],
  ['config', ['data', 'trainImages'], 3, /: batchSize must be a whole number from 1 to 3, but is 4/],
  ['config', ['tract', 'lambda'], 0, /: tract\.lambda must be a number above 0, but is 0/],
  [
    'config',
    ['tract', 'lambda', 'relative'],
    -1,
    /: tract\.lambda\.relative must be a number above 0, but is -1/,
  ],
  ['config', ['tract', 'gramMomentum'], 1, /: tract: the momentum of TrAct's Gram matrix must be .* below 1/],
  ['config', ['tract', 'lambdaEnd'], 1, /: tract: TrAct's lambdaEnd and lambdaSteps go together/],
  [
    'config',
    ['tract', 'layer'],
    'conv1',
    /: tract: there is no linear layer or convolution "conv1"; there are layers\.0, layers\.1/,
  ],
  [
    'config',
    ['optimizer', 'config', 'momentum'],
    2,
    /: optimizer: sgd: momentum must be at least 0 and below 1, not 2/,
  ],
  ['config', ['optimizer', 'config', 'nesterov'], 1, /: optimizer: sgd: nesterov must be a boolean, not 1/],
  ['config', ['optimizer', 'config', 'betas'], 1, /: optimizer: sgd has no option "betas"; it has momentum/],
  [
    'config',
    ['schedule', 'config', 'lr'],
    -1,
    /: schedule: the learning rate must be finite and not negative, not -1/,
  ],
  ['config', ['schedule', 'config', 'lr'], undefined, /: schedule: the learning rate .*not NaN/],
  ['config', ['labelSmoothing'], 2, /: labelSmoothing must be a number of at least 0 and below 1, but is 2/],
  [
    'config',
    ['epochs'],
    2 ** 53 - 1,
    /: epochs must be a whole number from 1 to 3002399751580330, but is 9007/,
  ],
  [
    'config',
    ['augmentation', 'cropPadding'],
    2 ** 40,
    /: augmentation\.cropPadding must be .* from 0 to 65536/,
  ],
  ['config', ['shards'], 3, /: shards must divide the batch size of 4, but is 3/],
  ['config', ['groups', '0', 'parameters'], [], /: groups\[0\]\.parameters must name a parameter/],
  ['config', ['groups', '1', 'parameters', '0'], 'x', /: groups\[1\]\.parameters: .* no weight "x"/],
  ['config', ['groups', '0', 'weightDecay'], -1, /: groups\[0\]\.weightDecay must be a number of at least 0/],
  ['config', ['groups', '1', 'optimizer', 'config', 'beta1'], 2, /: optimizer: adam: beta 1 must be/],
  ['progress', ['stepInEpoch'], 4, /: progress\.stepInEpoch must be a whole number from 0 to 3, but is 4/],
  ['progress', ['step'], 5, /: progress\.step must be a whole number from 2 to 4, but is 5/],
  ['progress', ['bestAccuracy'], 2, /: progress\.bestAccuracy must be -1 or a number from 0 to 1, but is 2/],
];

test('the entry is named, and what it may be', async () => {
  const path = join(folder, 'impossible.safetensors');
  for (const [part, place, value, message] of impossible) {
    writeFileSync(path, edited(part, place, value, grouped));
    await assert.rejects(readCheckpoint(path), message);
  }
});

test('a model, an optimizer or a schedule of the user’s own can be read, but not made by name', async () => {
  const path = join(folder, 'own.safetensors');
  for (const part of ['model', 'optimizer', 'schedule']) {
    writeFileSync(path, edited('config', [part, 'name'], 'mine'));
    const checkpoint = await readCheckpoint(path);
    await assert.rejects(restoreTrainer(checkpoint), (error) => {
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, new RegExp(`^${part}: there is no ${part} "mine"; there are `));
      return true;
    });
  }
});

test('the command says so in one line, whatever it is asked to do with the file', async () => {
  const run = join(folder, 'run');
  mkdirSync(run);
  const file = join(run, 'last.safetensors');
  for (const [place, value, words] of [
    [['model', 'config', 'depth'], 0, 'model: mlp: depth must be'],
    [['model', 'name'], 'alexnet', 'model: there is no model "alexnet"'],
    [['optimizer', 'name'], 'rprop', 'optimizer: there is no optimizer "rprop"'],
  ] as const) {
    writeFileSync(file, edited('config', place, value));
    for (const parameters of [
      ['train', '--resume', run],
      ['eval', run],
    ]) {
      // Only training needs the optimizer.
      if (place[0] === 'optimizer' && parameters[0] !== 'train') continue;
      const { code, stderr } = await command(parameters);
      assert.equal(code, 1);
      assert.match(stderr, /^error: \S+last\.safetensors cannot be used: [^\n]+\n$/);
      assert.ok(stderr.includes(words), stderr);
    }
  }
  await (await RunFolder.resume(run)).close();
});
