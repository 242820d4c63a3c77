/** The flags of TrAct: λ, the layers, and what changes as a run goes on. */
import { type Command, Option } from 'commander';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import { batchCount } from '../data/batches.js';
import { DEFAULT_LAMBDA, type Lambda } from '../tract/lambda.js';
import type { TractOptions } from '../tract/tract.js';
import { UsageError } from './errors.js';
import { longFlag } from './flags.js';
import { lambdaValue, number } from './values.js';

export interface TractFlags {
  /** λ; absent without TrAct. */
  readonly tract?: Lambda;
  /** Paths between commas. */
  readonly tractLayer?: string;
  /** A share of the run. */
  readonly tractUntil?: number;
  readonly lambdaEnd?: number;
  readonly gramMomentum?: number;
}

/** Flags that say nothing without TrAct. */
export const tractOnly = ['tractUntil', 'lambdaEnd', 'gramMomentum'] as const;

/** Adds them as a group. */
export function addTractFlags(command: Command): void {
  command.optionsGroup('TrAct:');
  command.addOption(
    new Option('--tract [lambda]', 'train the first layer by TrAct, with this lambda')
      .preset(String(DEFAULT_LAMBDA))
      .argParser(lambdaValue),
  );
  const add = (flags: string, description: string, parse?: (text: string) => unknown): void => {
    const option = new Option(flags, description);
    command.addOption(parse ? option.argParser(parse) : option);
  };
  add(
    '--tract-layer <names>',
    'the layer it is for, such as conv1, or several: conv1,fc (default: the first)',
  );
  add(
    '--tract-until <share>',
    'go on without it after this share of the run, such as 0.2',
    number('a number above 0 and below 1', (value) => value > 0 && value < 1),
  );
  add(
    '--lambda-end <lambda>',
    'lambda changes to this until the end of the run, by equal ratios',
    number('a number above 0', (value) => value > 0),
  );
  add(
    '--gram-momentum <number>',
    'for small batches: take the mean of the Gram matrix over the steps, with this momentum, such as 0.9 (default: 0, that of the batch)',
    number('a number of at least 0 and below 1', (value) => value >= 0 && value < 1),
  );
}

/** What a run is long by. */
interface RunLength {
  readonly batchSize: number;
  readonly epochs: number;
  readonly stages?: readonly { readonly epochs: number }[];
  readonly maxSteps?: number;
}

/** The options of TrAct beside λ, shares of the run as steps. */
export function tractOptionsOf(
  flags: TractFlags & RunLength,
  { train }: Pick<ImageDataset, 'train'>,
): Omit<TractOptions, 'lambda'> {
  const { tractLayer, tractUntil, lambdaEnd, gramMomentum, batchSize, maxSteps = Infinity } = flags;
  const { stages = [{ epochs: flags.epochs }] } = flags;
  const epochs = stages.reduce((sum, stage) => sum + stage.epochs, 0);
  const steps = Math.min(epochs * batchCount(imageCount(train), { batchSize, last: 'drop' }), maxSteps);
  return {
    ...(tractLayer !== undefined && { layer: tractLayer.split(',').map((name) => name.trim()) }),
    ...(tractUntil !== undefined && { until: Math.max(1, Math.round(tractUntil * steps)) }),
    ...(lambdaEnd !== undefined && { lambdaEnd, lambdaSteps: Math.max(1, steps - 1) }),
    ...(gramMomentum !== undefined && { gramMomentum }),
  };
}

/** @throws UsageError for flags that say nothing where there is no TrAct */
export function checkWithoutTract(flags: TractFlags, command: Command): void {
  const idle = tractOnly.find((key) => flags[key] !== undefined);
  if (idle !== undefined)
    throw new UsageError(`${longFlag(command, idle)} is for TrAct, which is not asked for`);
}
