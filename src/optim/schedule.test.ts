import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createSchedule, schedules } from './registry.js';
import { constant, cosine, linear, oneCycle, stepDecay } from './schedule.js';

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

  it('linear falls in a straight line, over the run or a part of it', () => {
    rates(linear(0.8), 4).forEach((rate, step) => {
      near(rate, [0.8, 0.6, 0.4, 0.2][step]);
    });
    rates(linear(1, { warmup: 2, final: 0.5, share: 0.5 }), 6).forEach((rate, step) => {
      near(rate, [0.5, 1, 1, 0.75, 0.5, 0.5][step]);
    });
  });

  it('step falls by gamma after every stepSize steps, as StepLR', () => {
    rates(stepDecay(0.4, { stepSize: 2, gamma: 0.5 }), 5).forEach((rate, step) => {
      near(rate, [0.4, 0.4, 0.2, 0.2, 0.1][step]);
    });
    // A third of the eight steps after the warm-up, rounded up.
    rates(stepDecay(1, { warmup: 1 }), 9).forEach((rate, step) => {
      near(rate, [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01][step]);
    });
  });

  it("one-cycle is PyTorch's", () => {
    // The formulas of torch.optim.lr_scheduler.OneCycleLR(max_lr=0.4, total_steps=10), written out: up to step 2, where
    // 0.3 · 10 - 1 = 2, and down to step 9.
    const wave = (from: number, to: number, share: number): number =>
      to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
    const [first, last] = [0.4 / 25, 0.4 / 25 / 1e4];
    rates(oneCycle(0.4), 10).forEach((rate, step) => {
      near(rate, step <= 2 ? wave(first, 0.4, step / 2) : wave(0.4, last, (step - 2) / 7));
    });
    near(oneCycle(0.4).rate(1, 10), (0.4 + 0.016) / 2);
    const short = oneCycle(0.4, { pctStart: 0.5, divFactor: 2, finalDivFactor: 10 });
    // A run of one step, or of two, has no time to grow.
    for (const total of [1, 2]) assert.ok(rates(short, total).every((rate) => rate >= 0 && rate <= 0.4));
    near(short.rate(3, 4), 0.4 / 2 / 10);
  });

  it('are made again from their names and options', () => {
    for (const name of schedules) {
      const schedule = createSchedule(name, { lr: 0.3 });
      const again = createSchedule(name, { lr: NaN, ...schedule.config });
      assert.equal(again.name, name);
      assert.deepEqual(again.config, schedule.config);
    }
    assert.throws(
      () => createSchedule('one-cycle', { lr: 0.1, warmup: 3 }),
      /one-cycle has no option "warmup"/,
    );
    assert.throws(() => createSchedule('cosine', { lr: 0.1, final: 0 }), /cosine has no option "final"/);
  });

  it('never leave [0, lr], rise in the warm-up and fall after it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.nat({ max: 80 }),
        fc.double({ min: 1e-6, max: 10, noNaN: true }),
        (total, warmup, lr) => {
          for (const make of [constant, cosine, linear, stepDecay]) {
            const schedule = make(lr, { warmup });
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

  it('refuse options out of range', () => {
    for (const [make, message] of [
      [() => linear(0.1, { final: 2 }), /linear: final must be from 0 to 1, not 2/],
      [() => linear(0.1, { share: 0 }), /linear: share must be above 0 and at most 1, not 0/],
      [() => stepDecay(0.1, { stepSize: 1.5 }), /step: stepSize must be a whole number of steps/],
      [() => stepDecay(0.1, { gamma: 0 }), /step: gamma must be above 0/],
      [() => oneCycle(-1), /the learning rate must be finite/],
      [() => oneCycle(0.1, { pctStart: 1 }), /one-cycle: pctStart must be above 0 and below 1/],
      [() => oneCycle(0.1, { divFactor: 0 }), /one-cycle: divFactor must be at least 1/],
      [() => oneCycle(0.1, { finalDivFactor: NaN }), /one-cycle: finalDivFactor must be at least 1/],
    ] as const)
      assert.throws(make, message);
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
