import assert from 'node:assert/strict';
import { it } from 'node:test';
import { progressText } from './progress-line.js';

it('shows what fits the terminal, and no half of a number', () => {
  const texts = { epoch: 'run 3/8', figures: ['TrAct, seed 1', 'loss 0.123', '12:45 left'] };
  const at = (width: number): string => progressText(0.4, texts, width);
  assert.equal(at(80), 'run 3/8 ████░░░░░░ 40 %  TrAct, seed 1  loss 0.123  12:45 left');
  assert.equal(at(60), 'run 3/8 40 %  TrAct, seed 1  loss 0.123  12:45 left');
  assert.equal(at(50), 'run 3/8 ████░░░░░░ 40 %  TrAct, seed 1  12:45 left');
  assert.equal(at(36), 'run 3/8 ████░░░░░░ 40 %  12:45 left');
  assert.equal(at(22), 'run 3/8  12:45 left');
  assert.equal(at(10), 'run 3/8');
  for (let width = 0; width < 80; width++) assert.ok(at(width).length <= width);
});
