import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { browserTable } from './compare.js';

describe('the table of steps in a browser', () => {
  it('is relative to the first figures that there are, and says why others are missing', () => {
    const text = browserTable({
      case: 'vit96-32',
      batchSize: 32,
      figures: [
        { name: 'tract-ts wasm, 1 thread', milliseconds: 200, steps: 9 },
        { name: 'tract-ts webgpu', failure: 'no answer within 180 s' },
        { name: 'jax-js wasm', milliseconds: 400, steps: 3 },
      ],
    });
    assert.match(text, /tract-ts wasm, 1 thread +200 +9 +160 +1(\.0)?$/m);
    assert.match(text, /jax-js wasm +400 +3 +80(\.0)? +0\.50$/m);
    assert.match(text, /tract-ts webgpu +— +— +— +—$/m);
    assert.match(text, /^ {2}tract-ts webgpu: no answer within 180 s$/m);
  });
});
