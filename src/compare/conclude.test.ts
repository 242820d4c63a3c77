import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FinishedRun, conclude } from './conclude.js';
import { variantsOf } from './variant.js';
import { sentences } from './words.js';

const [vanilla, tract] = variantsOf(['vanilla', 'tract'], [0.1]);

/** A run that is evaluated every 10 steps. */
function run(
  variant: typeof vanilla,
  seed: number,
  accuracies: readonly number[],
  diverged?: string,
): FinishedRun {
  return {
    variant,
    seed,
    record: {
      id: `${variant.id}-${seed}`,
      curve: accuracies.map((accuracy, i) => ({ step: 10 * i, accuracy, loss: 2 - accuracy })),
      secondsPerStep: 0.5,
      ...(diverged !== undefined && { diverged }),
    },
  };
}

const slow = [0.1, 0.2, 0.3, 0.4, 0.5];
const fast = [0.1, 0.3, 0.5, 0.6, 0.7];
const times = new Map([
  ['vanilla', 1],
  [tract.id, 1.25],
]);

describe('conclude', () => {
  const found = conclude([run(vanilla, 0, slow), run(tract, 0, fast)], 40, times);

  it('measures the speed-up at the final accuracy of the first method', () => {
    const target = found.targets.at(-1)!;
    assert.equal(target.kind, 'final');
    assert.equal(target.accuracy, 0.5);
    assert.deepEqual(
      target.reached.map(({ steps, speedup }) => ({ steps, speedup })),
      [
        { steps: 40, speedup: 1 },
        { steps: 20, speedup: 2 },
      ],
    );
  });

  it('counts the overhead in training time', () => {
    const reached = found.targets.at(-1)!.reached[1];
    assert.equal(reached.seconds, 20 * 0.5 * 1.25);
    assert.equal(reached.speedupInTime, 2 / 1.25);
    assert.equal(found.variants[1].versus!.overhead, 0.25);
  });

  it('has easier targets before it', () => {
    assert.deepEqual(
      found.targets.map(({ accuracy }) => Number(accuracy.toFixed(6))),
      [0.2, 0.3, 0.4, 0.5],
    );
  });

  it('says what one seed says, and no more', () => {
    const [answer, budget, overhead] = sentences(found);
    assert.equal(
      answer,
      'TrAct trains 2.00× faster than vanilla here, though one seed cannot tell that from chance: it reaches the 50.0 % test accuracy that vanilla ends at after 20 steps instead of 40, 1.60× counted in training time.',
    );
    assert.match(budget, /20\.0 points more accurate than vanilla; one seed cannot tell/);
    assert.match(overhead, /25\.0 % longer/);
  });
});

describe('the words of a comparison', () => {
  const same = new Map<string, number>();
  const say = (runs: FinishedRun[]): string[] => sentences(conclude(runs, 40, same));

  it('admit a target that is not reached', () => {
    const [answer] = say([run(vanilla, 0, fast), run(tract, 0, slow)]);
    assert.match(answer, /^TrAct is not faster here: in 40 steps it did not reach the 70\.0 %/);
    assert.match(answer, /its best is 50\.0 %/);
  });

  it('admit a method that is slower, or as fast', () => {
    const late = [0.1, 0.12, 0.15, 0.2, 0.9];
    const early = [0.1, 0.2, 0.6, 0.5, 0.4];
    assert.match(
      say([run(vanilla, 0, early), run(tract, 0, late)])[0],
      /^TrAct is not faster here: .* only after/,
    );
    assert.match(
      say([run(vanilla, 0, slow), run(tract, 0, slow)])[0],
      /^TrAct is not faster here: it needs as many/,
    );
  });

  it('tell a difference from chance by the seeds', () => {
    const seeds = (shift: readonly number[]): FinishedRun[] =>
      shift.flatMap((by, seed) => [
        run(vanilla, seed, slow),
        run(
          tract,
          seed,
          slow.map((accuracy) => accuracy + by),
        ),
      ]);
    const clear = say(seeds([0.1, 0.11, 0.09]));
    assert.match(clear[0], /^TrAct trains .* faster than vanilla here: it reaches/);
    assert.match(clear[1], /10\.0 points more accurate.*more than chance/);
    const unclear = say(seeds([0.3, -0.1, 0.1]));
    assert.match(unclear[0], /faster than vanilla here, though 3 seeds cannot tell that from chance: it/);
    assert.match(unclear[1], /cannot tell it from chance .*includes zero/);
  });

  it('report runs that diverged', () => {
    const broken = run(tract, 0, [0.1, 0.1], 'the loss became NaN at step 17');
    const found = say([run(vanilla, 0, slow), broken]);
    assert.match(found[0], /TrAct is not faster here: .* diverged/);
    assert.match(found.at(-1)!, /TrAct diverged with every seed; it has no figures/);
    const crossed = say([run(vanilla, 0, slow), broken, run(vanilla, 1, [0.1], 'NaN'), run(tract, 1, fast)]);
    assert.match(crossed[0], /faster than vanilla here, though no seed came to its end with both: it/);
    const partly = say([run(vanilla, 0, slow), broken, run(vanilla, 1, slow), run(tract, 1, fast)]);
    assert.match(partly.at(-1)!, /TrAct diverged with seed 0; its figures are those of the other seeds/);
  });
});
