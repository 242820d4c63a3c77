import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, test } from 'node:test';
import type { Value } from '../../graph/graph.js';
import { live } from '../../graph/live.js';
import * as op from '../../graph/ops.js';
import { type Rewrites, rewrite } from '../../graph/rewrite.js';
import { elementCount, tensor } from '../../tensor/tensor.js';
import { blockSize, reorderedBlock } from './block-size.js';
import { blockedCpu } from './cpu.js';
import { portable } from './portable.js';
import { agrees, probeGraph } from './probe.js';

test('the blocked layout is used where the runtime has it', { skip: process.arch !== 'x64' }, async () => {
  // Were the lowering wrong, everything would still work, at a third of the speed.
  assert.equal(await blockSize(), await reorderedBlock().catch(() => undefined));
});

describe('the probe of the blocked layout', () => {
  for (const block of [8, 16]) {
    test(`leaves nothing in the plain form, in blocks of ${block}`, () => {
      const { nodes } = live(rewrite(probeGraph(block).graph, blockedCpu(block)));
      const plain = [
        'Conv',
        'ConvTranspose',
        'MatMul',
        'BatchNormalization',
        'MaxPool',
        'ScatterElements',
        'Where',
      ];
      const left = nodes.filter(({ domain, opType }) => domain === '' && plain.includes(opType));
      assert.deepEqual(left, []);
    });
  }

  /** A lowering in which one result of one operator is wrong in its last element. */
  function faulty(lowering: Rewrites, operator: string, index: number): Rewrites {
    const wrong = (value: Value): Value => {
      const error = new Float32Array(elementCount(value.shape));
      error[error.length - 1] = 0.01;
      return op.add(value, value.graph.constant(tensor('float32', value.shape, error)));
    };
    return new Map(lowering).set(operator, (inputs, node) =>
      lowering.get(operator)!(inputs, node).map((value, i) => (i === index ? wrong(value) : value)),
    );
  }

  test('admits the lowering as it is, and rejects it with any operator wrong', async (t) => {
    const block = await reorderedBlock().catch(() => undefined);
    if (block === undefined) {
      assert.equal(await blockSize(), undefined);
      return;
    }
    const lowering = blockedCpu(block);
    assert.ok(await agrees(lowering, block));
    const blocked = [...lowering.keys()].filter(
      (operator) => lowering.get(operator) !== portable.get(operator),
    );
    assert.equal(blocked.length, 11);
    for (const operator of blocked) {
      const results = operator.startsWith('tract.BatchNormTraining') ? 3 : 1;
      for (let index = 0; index < results; index++) {
        await t.test(`${operator}, result ${index}`, async () => {
          assert.equal(await agrees(faulty(lowering, operator, index), block), false);
        });
      }
    }
  });
});
