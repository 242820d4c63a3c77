import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { caseNamed } from './cases.js';
import type { CaseMeasurement, Measured } from './measure.js';
import { peerNotes, peerTable, startTable, stepTable } from './report.js';
import { summarize } from './summary.js';

const stages = { loaded: 100, built: 300, lowered: 400, session: 900, firstStep: 1500 };

const measured = (turns: number[][], peakBytes: number): Measured => ({
  ready: {
    firstStepMilliseconds: 600,
    start: stages,
    memory: { ...stages, state: 1e6, session: 2e6, firstStep: 3e6 },
  },
  turns,
  peakBytes,
});

const measurement: CaseMeasurement = {
  // 2 · 2048³ operations in 100 ms are 171.8 GFLOP/s.
  matmul: measured([[100, 100], [101]], 1e6),
  vanilla: measured([[200, 210], [400]], 4e6),
  tract: measured([[204, 214], [404]], 5e6),
  peers: {
    PyTorch: {
      ready: { firstStepMilliseconds: 1, batchSize: 64, conditions: 'half the batch' },
      turns: [[420]],
      peakBytes: 9e6,
    },
    'jax-js': 'ended with exit code 1',
  },
};

describe('the report', () => {
  const summary = summarize(caseNamed('resnet18-128'), measurement);

  it('takes medians, pairs neighbouring steps, and compares with MatMul', () => {
    assert.equal(summary.vanillaMilliseconds, 210);
    assert.equal(summary.overhead, 4 / 210);
    assert.equal(summary.imagesPerSecond, 128_000 / 210);
    assert.equal(summary.fraction, summary.rate / summary.matmulRate);
    const [, , row] = stepTable([summary]).split('\n');
    assert.deepEqual(row.split(/ {2,}/).slice(0, 6), [
      'resnet18-128',
      '210',
      '214',
      '1.9',
      '1.9 … 1.9',
      '610',
    ]);
  });

  it('says how long each stage of the start took, and what the memory was after it', () => {
    const [, , row] = startTable([summary]).split('\n');
    assert.deepEqual(row.split(/ {2,}/), [
      'resnet18-128',
      '0.10',
      '0.20',
      '0.10',
      '0.50',
      '0.60',
      '1.50',
      '1',
      '2',
      '3',
      '5',
      '4',
    ]);
  });

  it('compares peers by images a second, and says what is unequal, failed or missing', () => {
    const rows = peerTable([summary])!.split('\n');
    assert.deepEqual(rows[3].trim().split(/ {2,}/), ['PyTorch', '64', '420', '152', '0.25', '9']);
    assert.deepEqual(rows[4].trim().split(/ {2,}/), ['jax-js', '—', '—', '—', '—', '—']);
    assert.deepEqual(peerNotes([summary, summary], [{ name: 'Other', advice: 'install it' }]), [
      'PyTorch: half the batch',
      'jax-js, resnet18-128: failed: ended with exit code 1',
      'Other is not installed: install it',
    ]);
  });

  it('has no table of peers without peers', () => {
    assert.equal(peerTable([summarize(caseNamed('resnet18-128'), { ...measurement, peers: {} })]), undefined);
  });
});
