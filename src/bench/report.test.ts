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

const peer = (milliseconds: number, peakBytes: number): Measured => ({
  ready: { firstStepMilliseconds: 1, batchSize: 64, conditions: 'half the batch' },
  turns: [[milliseconds]],
  peakBytes,
});

const measurement: CaseMeasurement = {
  // 2 · 2048³ operations in 100 ms are 171.8 GFLOP/s.
  matmul: measured([[100, 100], [101]], 1e6),
  vanilla: measured([[200, 210], [400]], 4e6),
  tract: measured([[204, 214], [404]], 5e6),
  peers: {
    PyTorch: { alone: peer(420, 9e6), inTurns: peer(2100, 10e6) },
    'TensorFlow.js': { alone: peer(500, 8e6), inTurns: peer(450, 7e6) },
    Fickle: { alone: peer(500, 8e6), inTurns: 'no answer within 180 s' },
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
    const cells = (row: number): string[] => rows[row].trim().split(/ {2,}/);
    assert.deepEqual(cells(2).slice(0, 5), ['resnet18-128', 'tract-ts', '128', '210', 'in turns']);
    assert.deepEqual(cells(3), ['PyTorch', '64', '420', 'alone', '152', '0.25', '9']);
    assert.deepEqual(cells(4), ['TensorFlow.js', '64', '450', 'in turns', '142', '0.23', '7']);
    assert.deepEqual(cells(5).slice(0, 4), ['Fickle', '64', '500', 'alone']);
    assert.deepEqual(cells(6), ['jax-js', '—', '—', '—', '—', '—', '—']);
    assert.deepEqual(peerNotes([summary, summary], [{ name: 'Other', advice: 'install it' }]), [
      'PyTorch: half the batch',
      'PyTorch, resnet18-128: 420 ms alone, 2100 ms in turns with the other programs; the better one counts',
      'TensorFlow.js: half the batch',
      'Fickle: half the batch',
      'Fickle, resnet18-128: 500 ms alone; in turns with the other programs it failed: no answer within 180 s',
      'jax-js, resnet18-128: failed: ended with exit code 1',
      'Other is not installed: install it',
    ]);
  });

  it('has both figures of a peer in its JSON, and whether they differ', () => {
    const { figures } = summary.peers[0];
    assert.equal(figures?.milliseconds, 420);
    assert.equal(figures.measured, 'alone');
    assert.deepEqual([figures.aloneMilliseconds, figures.inTurnsMilliseconds], [420, 2100]);
    assert.deepEqual(
      summary.peers.map((one) => one.figures?.differ),
      [true, false, true, undefined],
    );
  });

  it('has no table of peers without peers', () => {
    assert.equal(peerTable([summarize(caseNamed('resnet18-128'), { ...measurement, peers: {} })]), undefined);
  });
});
