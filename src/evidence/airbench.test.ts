import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Results } from '../compare/results.js';
import { airbenchCommand, airbenchTable, parseAirbenchRun } from './airbench.js';

const printed = `{"pytorch": "2.7.1+cu126", "threads": 2, "seed": 1}
{"epoch": 1, "step": 25, "loss": 1.6, "seconds": 160.5, "accuracy": 0.61}
{"epoch": 2, "step": 50, "loss": 1.3, "seconds": 288.0, "accuracy": 0.79}
{"epoch": 8, "step": 200, "loss": 1.0, "seconds": 1026.0, "accuracy": 0.9401}
`;

describe('parseAirbenchRun', () => {
  it('takes the conditions of the first line and what came out of the last', () => {
    const run = parseAirbenchRun(printed);
    assert.deepEqual(run, { seed: 1, threads: 2, pytorch: '2.7.1', accuracy: 0.9401, secondsPerStep: 5.1 });
    assert.match(airbenchCommand(run), /airbench\.py FOLDER --threads 2 --seed 1 > .*seed-1\.jsonl$/);
  });

  it('refuses a run that was cut off', () => {
    assert.throws(() => parseAirbenchRun(printed.slice(0, -3)), { message: 'line 4 is not JSON' });
    for (const lines of [1, 3])
      assert.throws(
        () => parseAirbenchRun(printed.split('\n').slice(0, lines).join('\n')),
        /^CheckpointError: the last epoch must be a whole number of at least 8/,
      );
  });
});

it('the two programs stand beside each other, with the spread of several seeds', () => {
  const runs = [
    { seed: 0, accuracy: 0.94, secondsPerStep: 5 },
    { seed: 1, accuracy: 0.938, secondsPerStep: 5.3 },
    { seed: 2, accuracy: null, secondsPerStep: 1 },
  ];
  const results = { variants: [{ runs }] } as unknown as Results;
  assert.deepEqual(airbenchTable(results, [parseAirbenchRun(printed)]), [
    ['trained by', 'seeds', 'test accuracy', 'seconds a step'],
    ['tract-ts', '2', '93.9 % ± 0.1', '5.15 ± 0.21'],
    ['PyTorch 2.7.1', '1', '94.0 %', '5.10'],
  ]);
});
