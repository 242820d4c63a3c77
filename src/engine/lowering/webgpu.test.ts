import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Shape } from '../../tensor/tensor.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';
import { portable } from './portable.js';
import { webgpuLimits } from './webgpu.js';

/** The same by plain operators and by those that WebGPU gets in their place. */
async function assertSame(shapes: readonly Shape[], build: (...inputs: Value[]) => Value): Promise<void> {
  const tensors = shapes.map((shape, i) => randomTensor('float32', shape, i + 1));
  const results = await Promise.all(
    [webgpuLimits, portable].map((rewrites) => evaluate(tensors, build, { rewrites })),
  );
  assert.deepEqual(results[0].shape, results[1].shape);
  assertClose(results[0], results[1], 1e-5);
}

describe('what WebGPU gets in place of what it computes wrongly is the same', () => {
  it('for convolutions that are padded on one side', async () => {
    const geometries = [
      { kernel: [1, 1], padding: [0, 0, 1, 2] },
      { kernel: [4, 4], padding: [0, 0, 1, 1] },
      { kernel: [3, 2], padding: [2, 0, 1, 1], stride: [2, 1] },
    ];
    for (const { kernel, ...geometry } of geometries) {
      const weight = [5, 3, ...kernel];
      await assertSame([[2, 3, 4, 4], weight, [5]], (x, w, b) => op.conv(x, w, b, op.geometry(geometry)));
    }
  });

  it('for transposed convolutions, with a stride that leaves something out', async () => {
    const uneven = op.geometry({ padding: [2, 0, 1, 1], stride: [2, 3], dilation: [1, 2] });
    const shapes = [[2, 4, 4, 3], [4, 3, 3, 2], [3]];
    await assertSame(shapes, (z, w, b) => op.convTranspose(z, w, [2, 3, 7, 9], uneven, b));
    const even = op.geometry({ padding: [1, 1, 1, 1] });
    await assertSame([[2, 4, 4, 3], [4, 3, 3, 3], [3]], (z, w, b) =>
      op.convTranspose(z, w, [2, 3, 4, 3], even, b),
    );
  });

  it('for what it leaves to the CPU', async () => {
    await assertSame([[3, 5]], (x) => op.selu(x));
    await assertSame([[3, 5]], (x) => op.selu(x, 0.7, 1.5));
    for (const alpha of [1, 0.6, -0.5]) await assertSame([[3, 5]], (x) => op.celu(x, alpha));
    for (const join of [op.and, op.or]) {
      await assertSame(
        [
          [4, 3],
          [4, 3],
        ],
        (x, y) => op.cast(join(op.greater(x, 0), op.less(y, 0)), 'float32'),
      );
    }
  });
});
