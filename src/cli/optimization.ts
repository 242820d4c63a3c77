/** From flags to how a model is optimized. */
import type { Command } from 'commander';
import { centralizeGradients } from '../optim/centralize.js';
import { lookahead } from '../optim/lookahead.js';
import type { ParameterGroup } from '../optim/groups.js';
import { type ParameterGroups, groupsFor } from '../optim/model-groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import { createOptimizer, createSchedule, optimizers, schedules } from '../optim/registry.js';
import type { Schedule } from '../optim/schedule.js';
import { type GradientTransform, clipByGlobalNorm } from '../optim/transform.js';
import { UsageError } from './errors.js';
import { frozenGroups } from './fine-tuning.js';
import type { RestOptimizerName } from './group-flag.js';
import { longFlag } from './flags.js';
import {
  DEFAULT_REST,
  type OptimizationFlags,
  defaultRates,
  optimizerOptions,
  scheduleOptions,
  sgdDefaults,
} from './optimization-flags.js';

/** What the flags say of optimizer, groups and mean of the weights: a part of a trainer's options. */
export interface Optimization {
  readonly optimizer: Optimizer;
  readonly groups?: ParameterGroups;
  readonly emaDecay?: number;
}

/**
 * @param recipe groups of a recipe, behind those of the flags
 * @throws UsageError for a flag that does not go with another, OptionError
 */
export function optimizationOf(
  flags: OptimizationFlags,
  command: Command,
  recipe: readonly ParameterGroup[] = [],
): Optimization {
  const { optimizer: name, ema } = flags;
  const { lr = defaultRates[name] } = flags;
  const optimizer = createOptimizer(name, scheduleFrom(flags, lr, command), optimizerConfig(flags, command));
  const groups = groupsFrom(flags, command, recipe);
  return {
    optimizer: lookingAhead(optimizer, flags),
    ...(groups && { groups }),
    ...(ema !== undefined && { emaDecay: ema }),
  };
}

/** The gradient transforms behind TrAct, in the order in which they are applied. */
export function transformsOf({ centralize, clipNorm }: OptimizationFlags): GradientTransform[] {
  return [
    ...(centralize ? [centralizeGradients()] : []),
    ...(clipNorm !== undefined ? [clipByGlobalNorm(clipNorm)] : []),
  ];
}

function lookingAhead(optimizer: Optimizer, { lookahead: every }: OptimizationFlags): Optimizer {
  return every === undefined ? optimizer : lookahead(optimizer, { every });
}

/** The options of the optimizer that flags set. */
function optimizerConfig(flags: OptimizationFlags, command: Command): Record<string, number | boolean> {
  const {
    optimizer: name,
    momentum,
    nesterov,
    betas,
    epsilon,
    muonIterations,
    muonNormalize,
    weightDecay,
  } = flags;
  for (const [key, option] of Object.entries(optimizerOptions)) {
    if (flags[key as keyof OptimizationFlags] === undefined) continue;
    const fitting = optimizers.filter((one) => option in createOptimizer(one, 0).config);
    if (!fitting.includes(name)) {
      throw new UsageError(
        `${longFlag(command, key)} is for the optimizer ${fitting.join(' or ')}, not for ${name}`,
      );
    }
  }
  return {
    ...(name === 'sgd' && sgdDefaults),
    ...(momentum !== undefined && { momentum }),
    ...(nesterov !== undefined && { nesterov }),
    ...(betas && { beta1: betas[0], beta2: betas[1] }),
    ...(epsilon !== undefined && { epsilon }),
    ...(muonIterations !== undefined && { iterations: muonIterations }),
    ...(muonNormalize !== undefined && { normalizeWeights: muonNormalize }),
    ...(weightDecay !== undefined && { weightDecay }),
  };
}

function scheduleFrom(flags: OptimizationFlags, lr: number, command: Command): Schedule {
  const { schedule: name, warmup = 0 } = flags;
  const given = Object.entries(scheduleOptions).flatMap(([key, option]) => {
    const value = flags[key as keyof OptimizationFlags];
    return value === undefined ? [] : [{ key, option, value: value as number }];
  });
  if (warmup > 0) given.unshift({ key: 'warmup', option: 'warmup', value: warmup });
  for (const { key, option } of given) {
    const fitting = schedules.filter((one) => option in createSchedule(one, { lr: 0 }).config);
    if (!fitting.includes(name)) {
      throw new UsageError(
        `${longFlag(command, key)} is for the schedule ${fitting.join(' or ')}, not for ${name}`,
      );
    }
  }
  return createSchedule(name, {
    lr,
    ...Object.fromEntries(given.map(({ option, value }) => [option, value])),
  });
}

function groupsFrom(
  flags: OptimizationFlags,
  command: Command,
  recipe: readonly ParameterGroup[],
): ParameterGroups | undefined {
  const own = (flags.group ?? []).map(({ optimizer, lr, ...group }) => ({
    ...group,
    ...(optimizer && { optimizer: besides(optimizer, lr, {}, flags, command) }),
  }));
  const groups = [...frozenGroups(flags), ...own, ...recipe];
  const { optimizer, decayOn, firstLrFactor, layerDecay } = flags;
  const rest = optimizer === 'muon' ? restFrom(flags, command) : undefined;
  if (optimizer !== 'muon') {
    for (const key of ['restOptimizer', 'restLr', 'restWeightDecay'] as const) {
      if (flags[key] !== undefined)
        throw new UsageError(`${longFlag(command, key)} is for the optimizer muon, not for ${optimizer}`);
    }
  }
  const plain = decayOn === 'all' && (firstLrFactor ?? 1) === 1 && (layerDecay ?? 1) === 1;
  if (plain && groups.length === 0 && !rest) return undefined;
  return groupsFor({
    groups,
    decayWeightsOnly: decayOn === 'weights',
    ...(firstLrFactor !== undefined && { firstLayerFactor: firstLrFactor }),
    ...(layerDecay !== undefined && { layerDecay }),
    ...(rest && { rest }),
  });
}

/** What trains what Muon is not for, with the schedule of the run. */
function restFrom(flags: OptimizationFlags, command: Command): Optimizer {
  const { restOptimizer = DEFAULT_REST, restLr, restWeightDecay } = flags;
  const config = restWeightDecay === undefined ? {} : { weightDecay: restWeightDecay };
  return besides(restOptimizer, restLr, config, flags, command);
}

/** An optimizer beside the common one, with the schedule of the run. */
function besides(
  name: RestOptimizerName,
  lr = defaultRates[name],
  config: { readonly weightDecay?: number },
  flags: OptimizationFlags,
  command: Command,
): Optimizer {
  const optimizer = createOptimizer(name, scheduleFrom(flags, lr, command), {
    ...(name === 'sgd' && sgdDefaults),
    ...config,
  });
  return lookingAhead(optimizer, flags);
}
