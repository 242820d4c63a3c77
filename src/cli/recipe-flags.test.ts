import { Command } from 'commander';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDefaults } from './recipe-flags.js';
import { type TrainFlags, addTrainFlags } from './train-flags.js';

test('without a recipe the model says what it is trained by, where flags do not', () => {
  for (const [line, optimizer, lr] of [
    ['', 'sgd', 0.04],
    ['--width 4', 'sgd', 0.16],
    ['--width 16', 'sgd', 0.16],
    ['--width 24', 'sgd', 0.11],
    ['--model resnet34 --width 32 --optimizer sgd', 'sgd', 0.08],
    ['--width 4 --lr 0.5', 'sgd', 0.5],
    ['--optimizer adam', 'adam', undefined],
    ['--model vit', 'adamw', 0.002],
    ['--model vit --width 192', 'adamw', 0.001],
    ['--model vit --optimizer adamw --lr 0.003', 'adamw', 0.003],
    ['--model vit --optimizer adam', 'adam', undefined],
    ['--model vit-tiny', 'adamw', undefined],
    ['--model vit-tiny --optimizer sgd', 'sgd', undefined],
    ['--model mlp', 'sgd', undefined],
    ['--model resnet50.onnx', 'sgd', undefined],
  ] as const) {
    const command = addTrainFlags(new Command());
    command.parse(line.split(' ').filter(Boolean), { from: 'user' });
    const flags = withDefaults(command.opts<TrainFlags>(), command);
    assert.deepEqual([flags.optimizer, flags.lr], [optimizer, lr], line);
  }
});
