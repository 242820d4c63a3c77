import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { assertWithin } from '../testing/distance.js';
import { type Run, tenSteps } from '../testing/ten-steps.js';
import { adam, adamw } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { type SgdOptions, sgd } from './sgd.js';

const initial = [0.5, -1.25, 2, 0];
/** The learning rate and gradient of each step, counted from 1; simple enough to repeat in another language. */
const rateAt = (step: number): number => 0.05 / step;
const gradientAt = (step: number): number[] =>
  initial.map((_, i) => (1 + i) * 0.1 * (-1) ** step + 0.02 * step - 0.1 * i);

const fixed: Run = { start: initial, rate: rateAt, gradient: gradientAt };

/** The rule that torch.optim.SGD documents, for one number, in float64. */
function sgdRule({
  momentum = 0,
  nesterov = false,
  weightDecay = 0,
}: Omit<SgdOptions, 'learningRate'>): Rule {
  let buffer = 0;
  return (p, gradient, rate, step) => {
    let g = gradient + weightDecay * p;
    if (momentum !== 0) {
      buffer = step === 1 ? g : momentum * buffer + g;
      g = nesterov ? g + momentum * buffer : buffer;
    }
    return p - rate * g;
  };
}

/** The rules that torch.optim.Adam and AdamW document. */
function adamRule(
  decoupled: boolean,
  weightDecay: number,
  [beta1, beta2] = [0.9, 0.999],
  epsilon = 1e-8,
): Rule {
  let [m, v] = [0, 0];
  return (p, gradient, rate, step) => {
    const g = decoupled ? gradient : gradient + weightDecay * p;
    const start = decoupled ? p - rate * weightDecay * p : p;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    const [mHat, vHat] = [m / (1 - beta1 ** step), v / (1 - beta2 ** step)];
    return start - (rate * mHat) / (Math.sqrt(vHat) + epsilon);
  };
}

type Rule = (p: number, gradient: number, rate: number, step: number) => number;

function tenStepsByRule(rule: () => Rule, { start, rate, gradient }: Run): number[] {
  return start.map((value, i) => {
    const update = rule();
    let p = value;
    for (let step = 1; step <= 10; step++) p = update(p, gradient(step)[i], rate(step), step);
    return p;
  });
}

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly rule: () => Rule;
  /**
   * From PyTorch 1.13 in float64: p.grad and param_groups[0]['lr'] set by the formulas above before each of ten
   * calls of torch.optim's step().
   */
  readonly golden: readonly number[];
}

const cases: readonly Case[] = [
  {
    name: 'SGD',
    optimizer: sgd({ learningRate: 0.1 }),
    rule: () => sgdRule({}),
    golden: [0.4932281746031747, -1.2388988095238098, 2.0289742063492064, 0.04684722222222223],
  },
  {
    name: 'SGD with momentum',
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    rule: () => sgdRule({ momentum: 0.9 }),
    golden: [0.4801945501524889, -1.2220197260604957, 2.075765997726521, 0.12355172151353654],
  },
  {
    name: "SGD with Nesterov's momentum",
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
    rule: () => sgdRule({ momentum: 0.9, nesterov: true }),
    golden: [0.47540326974041464, -1.2137165629782554, 2.0971636043030757, 0.1580437715844051],
  },
  {
    name: 'SGD with weight decay',
    optimizer: sgd({ learningRate: 0.1, weightDecay: 0.1 }),
    rule: () => sgdRule({ weightDecay: 0.1 }),
    golden: [0.48594870761101366, -1.2208267341769123, 1.9996114901854933, 0.04647536509005106],
  },
  {
    name: 'SGD with all of it',
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
    rule: () => sgdRule({ momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
    golden: [0.4502514807559397, -1.1519626936112761, 1.994320241937649, 0.1546812120746258],
  },
  {
    name: 'Adam',
    optimizer: adam(),
    rule: () => adamRule(false, 0),
    golden: [0.5092632443472966, -1.1774029650036366, 2.092840792165229, 0.10124624557952162],
  },
  {
    name: 'Adam with weight decay',
    optimizer: adam({ weightDecay: 0.1 }),
    rule: () => adamRule(false, 0.1),
    golden: [0.48246614713237934, -1.1412830864049748, 2.0366564333346746, 0.1003969257188284],
  },
  {
    name: 'Adam with other betas and epsilon',
    optimizer: adam({ betas: [0.8, 0.95], epsilon: 1e-3 }),
    rule: () => adamRule(false, 0, [0.8, 0.95], 1e-3),
    golden: [0.5040364851594096, -1.1822628266586794, 2.0891125381402222, 0.0981438811908957],
  },
  {
    name: 'AdamW',
    optimizer: adamw(),
    rule: () => adamRule(true, 0.01),
    golden: [0.5084959506355482, -1.1756338587998596, 2.0898461982969057, 0.1011759889587154],
  },
  {
    name: 'AdamW with more weight decay',
    optimizer: adamw({ weightDecay: 0.1 }),
    rule: () => adamRule(true, 0.1),
    golden: [0.5016312447633323, -1.1598083481033465, 2.0630546156155205, 0.1005459158496024],
  },
];

describe('ten steps', () => {
  for (const { name, optimizer, rule, golden } of cases) {
    it(`of ${name} are PyTorch's`, async () => {
      assertWithin(tenStepsByRule(rule, fixed), golden, 1e-14, 'the rule as the test has it');
      const ours = await tenSteps(optimizer, fixed);
      golden.forEach((value, i) => {
        // Written so that NaN fails.
        assert.ok(Math.abs(ours[i] - value) <= 1e-6, `element ${i} is ${ours[i]}, not ${value}`);
      });
    });
  }

  it('follow the rule for any gradients', async () => {
    // As float32, so that graph and rule start from the same numbers. Adam divides by the gradient's own size, so
    // that a gradient near zero would make much of its rounding.
    const number = fc
      .tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.boolean())
      .map(([size, negative]) => Math.fround(negative ? -size : size));
    const three = fc.array(number, { minLength: 3, maxLength: 3 });
    const runs = fc.record({
      start: three,
      rates: fc.array(fc.double({ min: 0, max: 0.1, noNaN: true }), { minLength: 10, maxLength: 10 }),
      gradients: fc.array(three, { minLength: 10, maxLength: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(
        runs,
        fc.constantFrom(...cases),
        async ({ start, rates, gradients }, { optimizer, rule, name }) => {
          const run: Run = {
            start,
            rate: (step) => Math.fround(rates[step - 1]),
            gradient: (step) => gradients[step - 1],
          };
          const [ours, theirs] = [await tenSteps(optimizer, run), tenStepsByRule(rule, run)];
          theirs.forEach((value, i) => {
            assert.ok(Math.abs(ours[i] - value) <= 2e-6, `${name}: element ${i} is ${ours[i]}, not ${value}`);
          });
        },
      ),
      { numRuns: 15, seed: 1 },
    );
  });
});

describe('optimizers', () => {
  it('leave a parameter of zero gradient where it is, without dividing zero by zero', async () => {
    const still: Run = { start: [1, -2], rate: () => 0.1, gradient: () => [0, 0] };
    for (const optimizer of [sgd({ learningRate: 0.1, momentum: 0.9 }), adam()]) {
      assert.deepEqual(await tenSteps(optimizer, still), [1, -2]);
    }
  });

  it('tell their complete configuration, and the state they keep', () => {
    assert.deepEqual(sgd({ learningRate: 0.1 }).config, { momentum: 0, nesterov: false, weightDecay: 0 });
    assert.deepEqual(sgd({ learningRate: 0.1 }).slots, []);
    assert.deepEqual(sgd({ learningRate: 0.1, momentum: 0.9 }).slots, [{ name: 'momentum_buffer' }]);
    assert.deepEqual(adam().config, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
    assert.deepEqual(adamw().config, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 });
    assert.deepEqual(adam().slots, [{ name: 'exp_avg' }, { name: 'exp_avg_sq' }]);
  });

  it('refuse options that make no sense', () => {
    for (const momentum of [-0.1, 1, NaN, Infinity]) {
      assert.throws(
        () => sgd({ learningRate: 0.1, momentum }),
        /sgd: momentum must be at least 0 and below 1, not/,
      );
    }
    for (const weightDecay of [-1e-9, NaN, Infinity]) {
      for (const make of [sgd, adam, adamw])
        assert.throws(() => make({ learningRate: 0.1, weightDecay }), /weight decay must be at least 0/);
    }
    assert.throws(() => sgd({ learningRate: 0.1, nesterov: true }), /Nesterov needs a momentum above 0/);
    assert.throws(() => adam({ betas: [1, 0.9] }), /adam: beta 1 /);
    assert.throws(() => adam({ betas: [0.9, -0.1] }), /adam: beta 2 /);
    for (const epsilon of [0, -1, NaN])
      assert.throws(() => adamw({ epsilon }), /adamw: epsilon must be above 0/);
  });
});
