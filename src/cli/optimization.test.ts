/** How a model is optimized, by the flags of the real command. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunConfig } from '../train/run-config.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const tiny = [
  ...['--model', 'vit', '--width', '6', '--depth', '1', '--limit-train', '64', '--limit-test', '16'],
  ...['--batch-size', '16', '--epochs', '2', '--threads', '1', '--json'],
];
const flags = [
  ...['--optimizer', 'muon', '--momentum', '0.9', '--muon-iterations', '3', '--weight-decay', '0.1'],
  ...['--rest-optimizer', 'lion', '--rest-lr', '0.003', '--lookahead', '3', '--ema', '0.9'],
  ...['--centralize', '--clip-norm', '2', '--schedule', 'step', '--gamma', '0.5', '--warmup', '1'],
];
const groups = [
  ...[
    '--group',
    'norm:weight-decay=0.2',
    '--group',
    'pos_embed:optimizer=lion,lr=0.002',
    '--group',
    'head:lr-factor=2,weight-decay=0.3',
  ],
  ...['--decay-on', 'weights', '--first-lr-factor', '10', '--layer-decay', '0.5'],
];
const images = [
  ...['--drop-path', '0.2', '--flip', 'alternating', '--crop-padding', '2', '--crop-mode', 'reflect'],
  ...['--test-views', 'flip', '--seed', '3'],
];
const tensors = (run: string): Buffer => readFileSync(join(run, 'last.safetensors'));

test('flags make the optimizer, the groups, the transforms and the schedule, and a run keeps them', async () => {
  const straight = join(folder, 'straight');
  const { code, stdout, stderr } = await tract([
    ...['train', ...tiny, ...flags, ...groups, ...images],
    ...['--tract', '--out', straight],
  ]);
  assert.equal(code, 0, stderr);
  const config = jsonLines(stdout)[0].config as RunConfig;
  const schedule = (lr: number): unknown => ({
    name: 'step',
    config: { lr, warmup: 1, stepSize: 0, gamma: 0.5 },
  });
  assert.deepEqual(config.optimizer, {
    name: 'lookahead+muon',
    config: {
      momentum: 0.9,
      nesterov: true,
      iterations: 3,
      weightDecay: 0.1,
      normalizeWeights: false,
      lookaheadEvery: 3,
      lookaheadAlpha: 0.5,
    },
  });
  assert.deepEqual(config.schedule, schedule(0.02));
  assert.deepEqual(config.transforms, [
    { name: 'centralize', config: {} },
    { name: 'clip', config: { maxNorm: 2 } },
  ]);
  assert.equal(config.emaDecay, 0.9);
  const groupOf = (name: string) => config.groups?.find(({ parameters }) => parameters.includes(name));
  const { optimizer, ...norm } = groupOf('norm.weight')!;
  assert.equal(optimizer!.name, 'lookahead+lion');
  assert.deepEqual(norm, {
    parameters: ['norm.weight', 'norm.bias'],
    weightDecay: 0.2,
    schedule: schedule(0.003),
  });
  const embedding = groupOf('pos_embed')!;
  assert.equal(embedding.optimizer!.name, 'lookahead+lion');
  assert.deepEqual(embedding.schedule, schedule(0.002));
  assert.equal(groupOf('head.bias')!.learningRateFactor, 2);
  assert.equal(groupOf('head.bias')!.weightDecay, 0.3);
  assert.equal(groupOf('patch_embed.proj.weight')!.learningRateFactor, 10 / 4);
  assert.equal(groupOf('patch_embed.proj.weight')!.optimizer, undefined);
  assert.equal(groupOf('blocks.0.attn.qkv.bias')!.weightDecay, 0);

  assert.equal(config.model.config.dropPath, 0.2);
  assert.equal(config.testViews, 'flip');
  assert.deepEqual(config.augmentation, [
    { name: 'randomCrop', config: { padding: 2, paddingMode: 'reflect' } },
    { name: 'alternatingFlip', config: { seed: 3 } },
  ]);

  const stopped = join(folder, 'stopped');
  const first = await tract(['train', ...tiny, ...flags, ...groups, ...images, '--tract', '--out', stopped], {
    interrupt: { signal: 'SIGINT', at: '"step":3,' },
  });
  assert.equal(first.code, 130, first.stderr);
  const second = await tract(['train', '--resume', stopped, ...flags.slice(0, 8), '--threads', '1']);
  // The first eight say what the run has; so do the others, but for those of groups.
  assert.equal(second.code, 0, second.stderr);
  assert.ok(tensors(stopped).equals(tensors(straight)));
});

test('flags that contradict a run, or that it cannot be asked for, are refused', async () => {
  const run = join(folder, 'straight');
  for (const [given, message] of [
    [['--ema', '0.99'], /--ema 0\.99 contradicts the run in .* with --ema 0\.9;/],
    [['--clip-norm', '1'], /--clip-norm 1 contradicts .* with --clip-norm 2;/],
    [['--betas', '0.9,0.9'], /--betas 0\.9,0\.9 contradicts .* without --betas/],
    [['--gamma', '0.1'], /--gamma 0\.1 contradicts .* with --gamma 0\.5/],
    [['--test-views', 'none'], /--test-views none contradicts .* with --test-views flip/],
    [['--flip', 'alternating'], /--flip is for a new run: the one in .* keeps the augmentation/],
    [['--progressive', '16:0.5'], /--progressive 16:0\.5 contradicts .* without --progressive/],
    [['--layer-decay', '0.5'], /--layer-decay is for a new run: the one in .* keeps the parameter groups/],
  ] as const) {
    const { code, stderr } = await tract(['train', '--resume', run, ...given]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});

test('comparisons take them, too: Muon with a first layer that is exchanged', async () => {
  const { code, stdout, stderr } = await tract([
    ...['compare', ...tiny, '--methods', 'vanilla,tract,dual-patch-norm', '--seeds', '0'],
    ...[
      '--optimizer',
      'muon',
      '--clip-norm',
      '1',
      '--decay-on',
      'weights',
      '--out',
      join(folder, 'compared'),
    ],
  ]);
  assert.equal(code, 0, stderr);
  const ends = jsonLines(stdout).filter(({ event, state }) => event === 'run' && state === 'finished');
  assert.equal(ends.length, 3);
});
