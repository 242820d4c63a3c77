import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { rewrite } from '../../graph/rewrite.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';
import { portable } from './portable.js';
import { wasm } from './wasm.js';

/** The operators that a convolution and its gradient become. */
function operators(batch: number, side: number, stride = 1): string[] {
  const graph = new Graph();
  const geometry = op.geometry({ padding: [1, 1, 1, 1], stride: [stride, stride] });
  const [x, weight] = [
    graph.input('x', 'float32', [batch, 4, side, side]),
    graph.input('weight', 'float32', [6, 4, 3, 3]),
  ];
  const z = op.conv(x, weight, null, geometry);
  graph.output('z', z);
  graph.output('gradient', op.convGradInput(z, weight, x.shape, geometry));
  return rewrite(graph, wasm).nodes.map(({ opType }) => opType);
}

describe('on WebAssembly', () => {
  it('convolutions of small images, and their gradients, are products over the whole batch', () => {
    const small = operators(8, 2);
    assert.ok(!small.includes('Conv') && !small.includes('ConvTranspose'), small.join());
    assert.equal(small.filter((name) => name === 'MatMul').length, 2);
  });

  it('other convolutions are what they were', () => {
    for (const other of [operators(8, 4), operators(1, 2)]) {
      assert.ok(other.includes('Conv') && other.includes('ConvTranspose'), other.join());
      assert.ok(!other.includes('MatMul'), other.join());
    }
    // What a stride leaves out of an image has no part in the product over its result.
    const strided = operators(8, 3, 2);
    assert.ok(!strided.includes('Conv') && strided.includes('ConvTranspose'), strided.join());
  });

  it('the product gives what the convolution does, bias included', async () => {
    const tensors = [
      randomTensor('float32', [5, 3, 3, 2], 1),
      randomTensor('float32', [4, 3, 3, 2], 2),
      randomTensor('float32', [4], 3),
    ];
    const results = await Promise.all(
      [wasm, portable].map((rewrites) =>
        evaluate(
          tensors,
          (x, weight, bias) => op.conv(x, weight, bias, op.geometry({ padding: [2, 0, 1, 1] })),
          { rewrites },
        ),
      ),
    );
    assertClose(results[0], results[1], 1e-5);
  });
});
