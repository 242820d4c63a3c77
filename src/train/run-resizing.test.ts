import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mlp } from '../models/mlp.js';
import type { DataConfig } from './run-config.js';
import { resizingOf } from './run-resizing.js';

const model = mlp({ imageSize: 64 });
const data = (parts: Partial<DataConfig>): DataConfig => ({
  name: 'photos',
  classNames: [],
  trainImages: 1,
  testImages: 1,
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
  ...parts,
});
const decoding = { channels: 3, cover: [73, 73], cut: false, background: '#ffffff' } as const;
const folder = { path: '/photos', size: [64, 64], decoding, drawn: null, fingerprint: '' } as const;

test('pictures are resized in a file as the run decoded and evaluated them, else as predict does', () => {
  assert.deepEqual(resizingOf(model, data({})), { cover: [64, 64], cut: true });
  assert.deepEqual(
    resizingOf(model, data({ folder, evaluation: [{ name: 'centerCrop', config: { size: 64 } }] })),
    {
      cover: [73, 73],
      cut: false,
    },
  );
});

test('what else images went through in evaluation is not written into a file, and is named', () => {
  for (const one of [
    { name: 'resize', config: { size: 64 } },
    { name: 'centerCrop', config: { size: 60 } },
  ])
    assert.deepEqual(resizingOf(model, data({ folder, evaluation: [one] })), { unknown: one.name });
});
