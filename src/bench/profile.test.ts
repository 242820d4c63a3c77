import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ProfileEvent, RUNTIME_LAYER, placeOf, summarizeProfile } from './profile.js';

describe('placeOf', () => {
  const places: [string, string, string, number][] = [
    ['layer1.0.conv1/Conv_12', 'layer1.0.conv1', 'forward', 12],
    ['layer1.0.conv1/grad/Conv_12', 'layer1.0.conv1', 'gradient', 12],
    ['conv1/tract/MatMul_1576/MatmulTransposeFusion', 'conv1', 'tract', 1576],
    ['blocks.0.attn/MatMul_28/MatmulTransposeFusion//MatMulScaleFusion', 'blocks.0.attn', 'forward', 28],
    ['optimizer/layer1.0.conv1.weight/Mul_7', 'layer1.0.conv1', 'update', 7],
    ['optimizer/cls_token/Mul_7', 'cls_token', 'update', 7],
    ['loss/grad/Mul_162', 'loss', 'gradient', 162],
    ['/Cast_3', 'step', 'forward', 3],
    ['Transpose_token_1', RUNTIME_LAYER, 'forward', Number.MAX_SAFE_INTEGER],
  ];
  for (const [name, layer, phase, index] of places) {
    it(name, () => {
      assert.deepEqual(placeOf(name), { layer, phase, index });
    });
  }
});

describe('summarizeProfile', () => {
  const run = (ts: number, dur: number): ProfileEvent => ({
    cat: 'Session',
    name: 'model_run',
    ts,
    dur,
    args: {},
  });
  const kernel = (name: string, operator: string, ts: number, dur: number, bytes = 0): ProfileEvent => ({
    cat: 'Node',
    name: `${name}_kernel_time`,
    ts,
    dur,
    args: { op_name: operator, mem_bytes_in_use: String(bytes) },
  });
  const events = [
    { cat: 'Session', name: 'session_initialization', ts: 0, dur: 900, args: {} },
    run(1000, 9000),
    kernel('a/Conv_1', 'Conv', 1100, 8000, 99),
    run(20_000, 5000),
    kernel('a/Conv_1', 'Conv', 20_100, 2000, 10),
    kernel('a/grad/Conv_2', 'Conv', 22_200, 1000, 30),
    kernel('optimizer/a.weight/Mul_3', 'Mul', 23_300, 500, 20),
    run(30_000, 7000),
    kernel('a/Conv_1', 'Conv', 30_100, 4000, 10),
    kernel('a/grad/Conv_2', 'Conv', 34_200, 1000, 30),
    kernel('optimizer/a.weight/Mul_3', 'Mul', 35_300, 500, 20),
  ];

  it('averages over the runs after the warm-up', () => {
    assert.deepEqual(summarizeProfile(events, 1), {
      steps: 2,
      runMilliseconds: 6,
      kernelMilliseconds: 4.5,
      kernels: 3,
      operators: [
        { operator: 'Conv', count: 2, milliseconds: 4 },
        { operator: 'Mul', count: 1, milliseconds: 0.5 },
      ],
      layers: [{ layer: 'a', milliseconds: { forward: 3, gradient: 1, tract: 0, update: 0.5 } }],
      peakBytes: 30,
    });
  });

  it('needs a run after the warm-up', () => {
    assert.throws(() => summarizeProfile(events, 3), /no more than 3 runs/);
  });
});
