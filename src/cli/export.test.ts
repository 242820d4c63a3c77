import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mlp } from '../models/mlp.js';
import { UsageError } from './errors.js';
import { resizingWanted } from './export.js';

test('what images went through in evaluation that is not written into a file is said', () => {
  const decoding = { channels: 3, cover: [73, 73], cut: false, background: '#ffffff' } as const;
  const data = {
    name: 'photos',
    classNames: [],
    trainImages: 1,
    testImages: 1,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
    folder: { path: '/photos', size: [64, 64], decoding, drawn: null, fingerprint: '' },
    evaluation: [{ name: 'resize', config: { size: 64 } }],
  } as const;
  assert.throws(
    () => resizingWanted(mlp({ imageSize: 64 }), data),
    (error) => error instanceof UsageError && error.message.includes('went through resize'),
  );
});
