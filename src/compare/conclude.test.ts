import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FinishedRun, conclude } from './conclude.js';
import type { Overhead } from './statistics.js';
import { summaryRows } from './summary.js';
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
/** Every curve here starts there, and ends above it. */
const chance = { accuracy: 0.1, clearlyAbove: 0.15 };
const costs = (overhead: number, interval: Overhead['interval']): Map<string, Overhead> =>
  new Map([[tract.id, { overhead, interval }]]);
const times = costs(0.25, [0.2, 0.3]);

describe('conclude', () => {
  const found = conclude([run(vanilla, 0, slow), run(tract, 0, fast)], 40, times, chance);

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
    assert.equal(
      overhead,
      'A step of TrAct takes 25.0 % longer than one of vanilla (95 % confidence interval +20.0 to +30.0 %; steps of both made in turn on this machine).',
    );
  });

  it('says that a cost is not told from zero, and makes no training time of it', () => {
    const runs = [run(vanilla, 0, slow), run(tract, 0, fast)];
    const [answer, , overhead] = sentences(conclude(runs, 40, costs(-0.1, [-0.3, 0.05]), chance));
    assert.match(answer, /after 20 steps instead of 40\.$/);
    assert.match(
      overhead,
      /takes as long as one of vanilla, as far as could be told \(.* −30\.0 to \+5\.0 %/,
    );
    // Where nothing was measured, nothing is said.
    assert.equal(sentences(conclude(runs, 40, new Map(), chance)).length, 2);
  });
});

describe('the words of a comparison', () => {
  const same = new Map<string, Overhead>();
  const say = (runs: FinishedRun[]): string[] => sentences(conclude(runs, 40, same, chance));

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
    assert.match(clear[2], /10\.0 points more accurate.*more than chance/);
    const unclear = say(seeds([0.3, -0.1, 0.1]));
    assert.match(unclear[0], /faster than vanilla here, though 3 seeds cannot tell that from chance: it/);
    assert.match(unclear[2], /cannot tell it from chance .*includes zero/);
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

  it('count the seeds that reach the target, and say how two figures come about', () => {
    // The mean of vanilla's ends is 0.5: two of four seeds get there.
    const ends = [0.3, 0.4, 0.6, 0.7];
    const runs = ends.flatMap((end, seed) => [
      run(vanilla, seed, [0.1, 0.1, 0.15, 0.2, end]),
      run(tract, seed, seed === 3 ? [0.1, 0.15, 0.2, 0.3, 0.4] : [0.1, 0.3, 0.6, 0.7, 0.8]),
    ]);
    const found = conclude(runs, 40, same, chance);
    const { reached } = found.targets.at(-1)!;
    assert.deepEqual(
      reached.map(({ seeds }) => seeds),
      [
        { reached: 2, of: 4 },
        { reached: 3, of: 4 },
      ],
    );
    assert.deepEqual(
      reached[1].speedupBySeed.map((ratio) => ratio !== null),
      [false, false, true, false],
    );
    const [, bySeed] = sentences(found);
    assert.match(
      bySeed,
      /^The \d\.\d\d× of TrAct are read off the mean curves\. Seed by seed the speed-up of TrAct is (\d\.\d\d)×, in the 1 of 4 seeds that reach the 50\.0 % with both methods \(vanilla: 2 of 4 seeds; TrAct: 3 of 4 seeds\)\. A seed that misses it has no speed-up of its own/,
    );
    const none = conclude(
      runs.filter(({ seed, variant }) => seed < 2 || variant === vanilla || seed === 3),
      40,
      same,
      chance,
    );
    assert.match(sentences(none)[1], /No seed reaches the 50\.0 % with both methods .*, so that no seed has/);
  });

  it('make no speed-up of what guessing gives', () => {
    const guesses = [0.1, 0.09, 0.11, 0.1, 0.12];
    const slower = [0.1, 0.1, 0.1, 0.11, 0.11];
    const found = conclude([run(vanilla, 0, slower), run(tract, 0, guesses)], 40, same, chance);
    assert.deepEqual(found.targets, []);
    const [answer, ...others] = sentences(found);
    assert.equal(
      answer,
      'Nothing has been learned yet: after 40 steps the test accuracy is 11.0 % (vanilla) and 12.0 % (TrAct), and guessing gives 10.0 %, by luck up to 15.0 %. Longer training may show a difference between methods.',
    );
    assert.ok(!others.some((sentence) => /accurate|faster/.test(sentence)), others.join('\n'));

    const one = say([run(vanilla, 0, slower), run(tract, 0, fast)]);
    assert.match(one[0], /^TrAct learns here and vanilla does not: .* no speed-up to measure/);
    const [, patch] = variantsOf(['vanilla', 'patch-norm'], []);
    const three = say([run(vanilla, 0, slower), run(tract, 0, fast), run(patch, 0, guesses)]);
    assert.match(three[1], /^Patch-wise layer norm is not faster here: like vanilla it ends at 12\.0 %/);
    // What was learned and lost is not "not yet".
    const lost = say([run(vanilla, 0, [0.1, 0.4, 0.6, 0.3, 0.1]), run(tract, 0, guesses)]);
    assert.match(lost[0], /^No method ends better than guessing: /);
  });

  it('have no target below what guessing gives', () => {
    const late = [0.1, 0.12, 0.14, 0.13, 0.5];
    const found = conclude([run(vanilla, 0, late), run(tract, 0, fast)], 40, same, chance);
    assert.deepEqual(
      found.targets.map(({ kind }) => kind),
      ['final'],
    );
  });

  it('tell of one method where it ended, and compare it with nothing', () => {
    const found = conclude([run(vanilla, 0, slow), run(vanilla, 1, fast)], 40, same, chance);
    assert.deepEqual(sentences(found), [
      'Vanilla ends at 60.0 % test accuracy after 40 steps (standard deviation over the seeds 14.1 points).',
    ]);
    assert.deepEqual(summaryRows(found), [
      ['method', 'test accuracy'],
      ['vanilla', '60.0 % ± 14.1'],
    ]);
  });

  it('name the images that the figures are of', () => {
    const on = (runs: readonly FinishedRun[]): string[] => {
      const found = conclude(runs, 40, same, chance, 'validation');
      return [...sentences(found), summaryRows(found)[0].join()];
    };
    const guesses = [0.1, 0.1, 0.1, 0.11, 0.11];
    for (const texts of [
      on([run(vanilla, 0, slow)]),
      on([run(vanilla, 0, slow), run(tract, 0, fast)]),
      on([run(vanilla, 0, guesses), run(tract, 0, fast)]),
      on([run(vanilla, 0, guesses), run(tract, 0, guesses)]),
    ]) {
      assert.match(texts[0], /validation accuracy/);
      assert.match(texts.at(-1)!, /^method,validation accuracy/);
      assert.doesNotMatch(texts.join(' '), /\btest\b/);
    }
  });

  it('have their figures in a table', () => {
    const slower = run(tract, 0, slow);
    const rows = summaryRows(conclude([run(vanilla, 0, slow), run(tract, 0, fast)], 40, same, chance));
    assert.deepEqual(rows, [
      ['method', 'test accuracy', 'steps to 50.0 %', 'speed-up'],
      ['vanilla', '50.0 %', '40', ''],
      ['TrAct', '70.0 %', '20', '2.00×'],
    ]);
    const missed = summaryRows(conclude([run(vanilla, 0, fast), slower], 40, same, chance));
    assert.deepEqual(missed[2], ['TrAct', '50.0 %', 'not reached', '']);
  });
});
