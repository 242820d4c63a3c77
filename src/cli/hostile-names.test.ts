/** Names from files, by the real command: none of them reaches the terminal as anything but visible characters. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { type Safetensors, fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { tensor } from '../tensor/tensor.js';
import { type Outcome, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const run = join(folder, 'run');
const image = join(folder, 'image.png');
/** Clears the screen, sets the title, moves up, turns the direction, ends the line. */
const hostile = 'cat\u001b[2J\u001b]0;title\u0007\u009b1A\u202etac\r\nerror: ok';
const shown = 'cat\\u001b[2J\\u001b]0;title\\u0007\\u009b1A\\u202etac\\u000d\\u000aerror: ok';

before(async () => {
  const { code, stderr } = await tract([
    ...['train', '--model', 'mlp', '--width', '8', '--depth', '1', '--max-steps', '1', '--threads', '1'],
    ...['--limit-train', '16', '--limit-test', '16', '--batch-size', '16', '--out', run],
  ]);
  assert.equal(code, 0, stderr);
  await sharp({ create: { width: 32, height: 32, channels: 3, background: '#407060' } }).toFile(image);
});

type Configuration = Record<string, Record<string, unknown>>;

/** A copy of the checkpoint in a folder of its own; returns its file. */
function changed(
  name: string,
  edit: (config: Configuration, tensors: Record<string, Safetensors['tensors'][string]>) => void,
): string {
  const { tensors, metadata } = fromSafetensors(readFileSync(join(run, 'last.safetensors')));
  const config = JSON.parse(metadata.config) as Configuration;
  const copy = { ...tensors };
  edit(config, copy);
  mkdirSync(join(folder, name), { recursive: true });
  const file = join(folder, name, 'last.safetensors');
  writeFileSync(
    file,
    toSafetensors({ tensors: copy, metadata: { ...metadata, config: JSON.stringify(config) } }),
  );
  return file;
}

function clean({ stdout, stderr }: Outcome): void {
  for (const text of [stdout, stderr]) {
    assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    for (const line of text.split('\n'))
      assert.ok(line.length <= 1600, `a line of ${line.length} characters`);
  }
}

test('class names', async () => {
  const file = changed('classes', ({ data }) => {
    data.classNames = (data.classNames as string[]).map((_, i) => `${i} ${hostile}`);
  });
  const outcome = await tract(['predict', file, image, '--top', '10']);
  assert.equal(outcome.code, 0, outcome.stderr);
  clean(outcome);
  assert.equal(outcome.stdout.trim().split('\n').length, 11);
  assert.ok(outcome.stdout.includes(`3 ${shown}`));
  const json = await tract(['predict', file, image, '--top', '10', '--json']);
  clean(json);
  const { top } = JSON.parse(json.stdout) as { top: { class: string }[] };
  assert.ok(top.every((guess) => guess.class.endsWith(hostile)));
});

test('class names of a megabyte', async () => {
  const file = changed('long', ({ data }) => {
    data.classNames = (data.classNames as string[]).map((_, i) => `${i}${'x'.repeat(1e6)}`);
  });
  const outcome = await tract(['predict', file, image]);
  assert.equal(outcome.code, 0, outcome.stderr);
  clean(outcome);
  assert.match(outcome.stdout, /%\s+\dx+…x+$/m);
});

test('names of tensors, models and datasets, and values where others belong', async () => {
  const damages: Record<string, (name: string, ...parts: Parameters<Parameters<typeof changed>[1]>) => void> =
    {
      tensor: (name, _, tensors) => {
        tensors[name] = tensor('float32', [1], [0]);
      },
      model: (name, { model }) => {
        model.name = name;
      },
      option: (name, { model }) => {
        (model.config as Record<string, unknown>)[name] = 1;
      },
      dataset: (name, { data }) => {
        data.name = name;
      },
      value: (name, { data }) => {
        data.mean = name;
      },
    };
  for (const [what, damage] of Object.entries(damages)) {
    for (const name of [hostile, hostile.repeat(20_000)]) {
      const file = changed(what, (config, tensors) => {
        damage(name, config, tensors);
      });
      const outcome = await tract(['eval', file]);
      assert.equal(outcome.code, 1, what);
      clean(outcome);
      assert.match(outcome.stderr, /^error: [^\n]+\n$/, what);
      assert.ok(outcome.stderr.includes('cat\\u001b'), what);
    }
  }
});

test('paths, and words of the command line', async () => {
  const outcomes = await Promise.all([
    tract(['eval', join(folder, hostile)]),
    tract(['predict', run, `${hostile}.png`, image]),
    tract([hostile]),
    tract(['train', `--${hostile}`]),
    tract(['train', '--lr', hostile]),
  ]);
  for (const outcome of outcomes) {
    assert.notEqual(outcome.code, 0);
    clean(outcome);
    assert.match(outcome.stderr, /^error: [^\n]+\n$/);
    assert.match(outcome.stderr, /\\u001b\[2J/);
  }
});
