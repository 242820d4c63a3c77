/** The flags of `tract train` and `tract compare` that say how a model is optimized. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { type OptimizerName, type ScheduleName, optimizers, schedules } from '../optim/registry.js';
import { type GroupFlag, type RestOptimizerName, groupValue, restOptimizers } from './group-flag.js';
import type { FineTuningFlags } from './fine-tuning.js';
import { number, oneOf, whole } from './values.js';

export interface OptimizationFlags extends FineTuningFlags {
  readonly optimizer: OptimizerName;
  readonly lr?: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly muonIterations?: number;
  readonly muonNormalize?: boolean;
  readonly weightDecay?: number;
  readonly restOptimizer?: RestOptimizerName;
  readonly restLr?: number;
  readonly restWeightDecay?: number;
  readonly group?: readonly GroupFlag[];
  readonly decayOn: 'all' | 'weights';
  readonly firstLrFactor?: number;
  readonly layerDecay?: number;
  readonly centralize?: boolean;
  readonly clipNorm?: number;
  /** Steps between two looks back. */
  readonly lookahead?: number;
  readonly ema?: number;
  readonly schedule: ScheduleName;
  readonly warmup?: number;
  readonly finalLr?: number;
  readonly stepSize?: number;
  readonly gamma?: number;
  readonly pctStart?: number;
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
}

/** The learning rates that are used unless others are asked for. */
export const defaultRates: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.08,
  adam: 0.001,
  adamw: 0.001,
  lion: 0.0001,
  lamb: 0.001,
  muon: 0.02,
};
/** The wider a network is, the lower are the rates that it stands: less in proportion above a width, in two digits. */
const rateAbove = (narrow: number, rate: number, width: number): number =>
  Number(((rate * narrow) / Math.max(width, narrow)).toPrecision(2));

/**
 * SGD's rate for a residual network (docs/results.md, "Defaults").
 *
 * @param width channels after the stem
 * @returns 0.16 up to a width of 16, 0.04 for 64
 */
export const resnetRate = (width = 64): number => rateAbove(16, 0.16, width);

/**
 * AdamW's rate for the small vision transformer `vit` (docs/results.md, "Defaults").
 *
 * @param width features of a token
 * @returns 0.002 up to a width of 96, 0.001 for 192
 */
export const vitRate = (width = 96): number => rateAbove(96, 0.002, width);
/** What SGD has besides (docs/results.md, "Defaults"); the others have what their functions have. */
export const sgdDefaults = { momentum: 0.9, weightDecay: 0.0005 } as const;
export const DEFAULT_REST: RestOptimizerName = 'adamw';

/** What an optimizer calls the option that a flag sets. */
export const optimizerOptions: Readonly<Partial<Record<keyof OptimizationFlags, string>>> = {
  momentum: 'momentum',
  nesterov: 'nesterov',
  betas: 'beta1',
  epsilon: 'epsilon',
  muonIterations: 'iterations',
  muonNormalize: 'normalizeWeights',
};

/** What a schedule calls the option that a flag sets. */
export const scheduleOptions: Readonly<Partial<Record<keyof OptimizationFlags, string>>> = {
  finalLr: 'final',
  stepSize: 'stepSize',
  gamma: 'gamma',
  pctStart: 'pctStart',
  divFactor: 'divFactor',
  finalDivFactor: 'finalDivFactor',
};

/** What a run's configuration holds parameter by parameter, so that it cannot be compared with a flag. */
export const groupFlags: ReadonlySet<string> = new Set([
  'restOptimizer',
  'restLr',
  'restWeightDecay',
  'group',
  'decayOn',
  'firstLrFactor',
  'layerDecay',
  'freeze',
  'trainOnly',
]);

const positive = number('a number above 0', (value) => value > 0);
const notNegative = number('a number of at least 0', (value) => value >= 0);
const betweenZeroAndOne = number('a number above 0 and below 1', (value) => value > 0 && value < 1);
const belowOne = number('a number of at least 0 and below 1', (value) => value >= 0 && value < 1);
const upToOne = number('a number above 0 and at most 1', (value) => value > 0 && value <= 1);
const atLeastOne = number('a number of at least 1', (value) => value >= 1);

function betasValue(text: string): readonly [number, number] {
  const [first, second, ...more] = text.split(',');
  // What is missing, or too much, is no number.
  return [belowOne(first), belowOne([second, ...more].join(','))];
}

/** Adds the flags, in groups. */
export function addOptimizationFlags(command: Command): void {
  const add = (
    flags: string,
    description: string,
    parse?: (text: string) => unknown,
    value?: unknown,
  ): void => {
    const option = new Option(flags, description);
    if (parse) option.argParser(parse);
    if (value !== undefined) option.default(value);
    command.addOption(option);
  };
  command.optionsGroup('Optimization:');
  command.addOption(
    new Option(
      '--optimizer <name>',
      `${optimizers.join(', ')}; gradients pass through TrAct, centralisation and clipping before it, in this order`,
    )
      .argParser(oneOf(optimizers))
      .default('sgd', 'sgd, for a vit adamw'),
  );
  const suited: Partial<Record<OptimizerName, string>> = {
    sgd: ` (for a ResNet ${resnetRate()}, and for one of width 16 ${resnetRate(16)})`,
    adamw: ` (for the model vit ${vitRate()})`,
  };
  const rates = optimizers.map((name) => `${defaultRates[name]} for ${name}${suited[name] ?? ''}`);
  add('--lr <rate>', `highest learning rate (default: ${rates.join(', ')})`, positive);
  add('--momentum <number>', `for sgd (default: ${sgdDefaults.momentum}) and muon (0.95)`, belowOne);
  add('--nesterov', 'Nesterov momentum, for sgd; muon has it always');
  add('--betas <b1,b2>', 'for adam, adamw and lamb (default: 0.9,0.999) and lion (0.9,0.99)', betasValue);
  add('--epsilon <number>', 'for adam and adamw (default: 1e-8) and lamb (1e-6)', positive);
  add('--muon-iterations <number>', 'Newton-Schulz iterations of muon (default: 5)', whole(1));
  add('--muon-normalize', "muon sets the norm of each weight before a step, as airbench's does");
  add(
    '--weight-decay <number>',
    `default: ${sgdDefaults.weightDecay} for sgd, 0.01 for adamw and lamb, else 0`,
    notNegative,
  );
  add('--centralize', 'gradient centralisation: take the mean off the gradients of each output');
  add('--clip-norm <norm>', 'scale gradients down to this joint norm where it is larger', positive);
  command.addOption(
    new Option('--lookahead [steps]', 'Lookahead around the optimizer, looking back every so many steps')
      .preset('5')
      .argParser(whole(1)),
  );
  add(
    '--ema <decay>',
    'keep a moving average of the weights, such as 0.999: it is what is evaluated, kept as the model, and exported',
    betweenZeroAndOne,
  );

  command.optionsGroup('Parameter groups:');
  add(
    '--rest-optimizer <name>',
    `with muon: what trains biases, norms, embeddings and the last layer: ${restOptimizers.join(', ')} (default: ${DEFAULT_REST})`,
    oneOf(restOptimizers),
  );
  add('--rest-lr <rate>', 'its highest learning rate (default: as for --lr)', positive);
  add('--rest-weight-decay <number>', 'its weight decay', notNegative);
  command.addOption(
    new Option(
      '--group <which:how>',
      'train some parameters in another way: --group norm,bias:weight-decay=0, --group "layer1.*:lr-factor=0.1", --group first:optimizer=adam,lr=0.003; which: kinds (weight, bias, norm, embedding, first, head), paths or patterns; may be repeated',
    ).argParser((text: string, before: readonly GroupFlag[] | undefined) => [
      ...(before ?? []),
      groupValue(text),
    ]),
  );
  add(
    '--decay-on <which>',
    'what weight decay is for: all, or weights (no norms, biases, embeddings)',
    oneOf(['all', 'weights']),
    'all',
  );
  add('--first-lr-factor <number>', "what the first layer's learning rate is multiplied by", notNegative);
  add(
    '--layer-decay <number>',
    "layer-wise decay: a layer's learning rate is the next one's times this",
    upToOne,
  );

  command.optionsGroup('Schedule:');
  add('--schedule <name>', `of the learning rate: ${schedules.join(', ')}`, oneOf(schedules), 'cosine');
  add(
    '--warmup <steps>',
    'steps in which the learning rate first grows (default: a fifth of the run, but no more than an epoch, or 100 steps)',
    whole(0),
  );
  add('--final-lr <share>', 'linear: what is left of the rate at the end (default: 0)', belowOne);
  add('--step-size <steps>', 'step: steps between two falls (default: a third of the run)', whole(1));
  add('--gamma <number>', 'step: what the rate is multiplied by (default: 0.1)', upToOne);
  add(
    '--pct-start <share>',
    'one-cycle: the share in which the rate grows (default: 0.3)',
    betweenZeroAndOne,
  );
  add('--div-factor <number>', 'one-cycle: highest rate by first rate (default: 25)', atLeastOne);
  add('--final-div-factor <number>', 'one-cycle: first rate by last rate (default: 10000)', atLeastOne);
}
