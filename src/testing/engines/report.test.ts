import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tensor } from '../../tensor/tensor.js';
import type { Steps } from './engine.js';
import { operatorTable, trainingTable } from './report.js';

const steps = (losses: number[], weight: number, location = 'cpu'): Steps => ({
  losses,
  gradients: { weight: tensor('float32', [1], [1]) },
  weights: { weight: tensor('float32', [1], [weight]) },
  location,
});

describe('the parity table', () => {
  it('has the losses, the differences to the first engine, and why an engine is missing', () => {
    const text = trainingTable(
      'A model',
      new Map<string, Steps | string>([
        ['native', steps([2, 1.5], 4)],
        ['wasm', steps([2, 1.25], 5)],
        ['WebGPU', 'page.evaluate: no | answer'],
      ]),
    );
    assert.match(text, /^\| 2 \| 1\.5000000 \| 1\.2500000 \| failed \|$/m);
    assert.match(text, /^\| gradients before step 1 \| — \| 0 \| failed \|$/m);
    assert.match(text, /^\| weights after the last step \| — \| 2\.5e-1 \| failed \|$/m);
    assert.match(text, /^WebGPU failed: page\.evaluate: no \\\| answer$/m);
  });

  it('counts the cases of an operator that are wrong or fail, and names them', () => {
    const text = operatorTable(
      [
        {
          operator: 'conv',
          cases: 3,
          errors: {
            native: { largest: 1e-6, wrong: [], failed: [] },
            WebGPU: { largest: 2e-6, wrong: ['Conv 3x3: 1.7e+0'], failed: ['Conv of three axes: not here'] },
          },
        },
      ],
      ['native', 'WebGPU'],
    );
    assert.match(text, /^\| `conv` \| 3 \| 1\.0e-6 \| 2\.0e-6, 1 wrong, 1 failed \|$/m);
    assert.match(text, /^- `conv` on WebGPU is wrong: Conv 3x3: 1\.7e\+0$/m);
    assert.match(text, /^- `conv` on WebGPU fails: Conv of three axes: not here$/m);
  });
});
