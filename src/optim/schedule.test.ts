import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { constant, cosine } from './schedule.js';

const near = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual - expected) <= 1e-12, `${actual} is not ${expected}`);
};
const rates = (schedule: { rate(step: number, total: number): number }, total: number): number[] =>
  Array.from({ length: total }, (_, step) => schedule.rate(step, total));

describe('schedules', () => {
  it('constant stays', () => {
    assert.deepEqual(rates(constant(0.08), 4), [0.08, 0.08, 0.08, 0.08]);
    assert.deepEqual(rates(constant(0), 2), [0, 0]);
  });

  it('cosine falls from lr to 0 along half a wave', () => {
    const schedule = cosine(0.1);
    near(schedule.rate(0, 100), 0.1);
    near(schedule.rate(50, 100), 0.05);
    near(schedule.rate(25, 100), 0.05 * (1 + Math.SQRT1_2));
    near(schedule.rate(100, 100), 0);
    assert.ok(schedule.rate(99, 100) > 0, 'the last step is not wasted');
  });

  it('warm-up grows linearly up to lr, and the rest begins there', () => {
    const expected = [0.02, 0.04, 0.06, 0.08, 0.1];
    rates(constant(0.1, { warmup: 5 }), 5).forEach((rate, step) => {
      near(rate, expected[step]);
    });
    const schedule = cosine(0.1, { warmup: 5 });
    near(schedule.rate(4, 25), 0.1);
    near(schedule.rate(5, 25), 0.1);
    near(schedule.rate(15, 25), 0.05);
    near(schedule.rate(25, 25), 0);
  });

  it('never leave [0, lr], rise in the warm-up and fall after it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.nat({ max: 80 }),
        fc.double({ min: 1e-6, max: 10, noNaN: true }),
        (total, warmup, lr) => {
          for (const schedule of [constant(lr, { warmup }), cosine(lr, { warmup })]) {
            const all = rates(schedule, total);
            all.forEach((rate, step) => {
              assert.ok(rate >= 0 && rate <= lr * (1 + 1e-12), `the rate of step ${step} is ${rate}`);
              if (step === 0) return;
              if (step < warmup) assert.ok(rate > all[step - 1]);
              else if (step > warmup) assert.ok(rate <= all[step - 1] + 1e-15);
            });
          }
        },
      ),
    );
  });

  it('tell their configuration', () => {
    assert.deepEqual([cosine(0.1).name, cosine(0.1).config], ['cosine', { lr: 0.1, warmup: 0 }]);
    assert.deepEqual(constant(0.1, { warmup: 3 }).config, { lr: 0.1, warmup: 3 });
  });

  it('refuse rates and lengths that make no sense', () => {
    for (const make of [constant, cosine]) {
      for (const lr of [-0.1, NaN, Infinity])
        assert.throws(() => make(lr), /the learning rate must be finite and not negative, not/);
      for (const warmup of [-1, 0.5, NaN, Infinity])
        assert.throws(() => make(0.1, { warmup }), /warm-up takes a whole number of steps, not/);
    }
  });
});
