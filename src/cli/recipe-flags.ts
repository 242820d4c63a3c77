/** What flags are set to where they are not given: by `--recipe`, or by the model. */
import type { Command } from 'commander';
import { paper, speed } from '../train/recipes.js';
import { augmentationFlags } from './augmentation.js';
import { resnetRate, vitRate } from './optimization-flags.js';
import { type TrainFlags, isModelFile } from './train-flags.js';

/** The flags of a recipe's optimizer: where another is asked for they say nothing. */
const optimizing: ReadonlySet<string> = new Set([
  'lr',
  'momentum',
  'nesterov',
  'muonIterations',
  'muonNormalize',
  'schedule',
  'warmup',
  'weightDecay',
]);

function flagsOf({ recipe, model }: TrainFlags, modelGiven: boolean): Partial<TrainFlags> {
  if (recipe === 'speed') {
    return {
      model: 'airbench',
      optimizer: 'muon',
      lr: speed.learningRate,
      momentum: speed.momentum,
      muonIterations: speed.iterations,
      muonNormalize: true,
      schedule: 'linear',
      warmup: 0,
      batchSize: speed.batchSize,
      epochs: speed.epochs,
      labelSmoothing: speed.labelSmoothing,
      cropPadding: speed.cropPadding,
      cropMode: 'reflect',
      flip: 'alternating',
      testViews: 'flip-shift',
    };
  }
  const transformer = modelGiven && model.startsWith('vit');
  return {
    optimizer: transformer ? 'adam' : 'sgd',
    lr: transformer ? paper.vitRate : paper.resnetRate,
    ...(!transformer && { momentum: paper.momentum }),
    weightDecay: 0,
    schedule: 'cosine',
    warmup: 0,
    batchSize: paper.batchSize,
    epochs: paper.epochs,
    cropPadding: 4,
    cropMode: 'zeros',
    flip: 'random',
  };
}

/** What suits a built-in model (docs/results.md, "Defaults"). */
function usualFor({ model, optimizer, width }: TrainFlags, optimizerGiven: boolean): Partial<TrainFlags> {
  if (isModelFile(model)) return {};
  if (model.startsWith('vit')) {
    const own = optimizerGiven ? optimizer : 'adamw';
    return { optimizer: own, ...(model === 'vit' && own === 'adamw' && { lr: vitRate(width) }) };
  }
  return model.startsWith('resnet') && optimizer === 'sgd' ? { lr: resnetRate(width) } : {};
}

/**
 * The flags with those of the recipe in place of the defaults, or without one with those that suit the model; what is given
 * counts.
 *
 * @param varied flags that are given in another way than on the command line
 */
export function withDefaults<T extends TrainFlags>(
  flags: T,
  command: Command,
  varied: readonly string[] = [],
): T {
  const given = (key: string): boolean => varied.includes(key) || command.getOptionValueSource(key) === 'cli';
  if (flags.recipe === undefined) {
    const usual = Object.entries(usualFor(flags, given('optimizer'))).filter(([key]) => !given(key));
    return { ...flags, ...Object.fromEntries(usual) };
  }
  const otherCrop = given('crop') || given('cropScale');
  const recipe = flagsOf(flags, given('model'));
  const otherOptimizer = given('optimizer') && flags.optimizer !== recipe.optimizer;
  const own = Object.entries(recipe).filter(
    ([key]) =>
      !given(key) &&
      !(otherOptimizer && optimizing.has(key)) &&
      !(otherCrop && (key === 'cropPadding' || key === 'cropMode')) &&
      (flags.augment || !augmentationFlags.has(key)),
  );
  return { ...flags, ...Object.fromEntries(own) };
}

/** Whether the parameter groups are those of the recipe `speed`: of its network under its optimizer. */
export function hasSpeedGroups({ recipe, model, optimizer }: TrainFlags, command: Command): boolean {
  const others = ['optimizer', 'restOptimizer', 'restLr', 'restWeightDecay'];
  const asked = others.some((key) => command.getOptionValueSource(key) === 'cli');
  return recipe === 'speed' && model === 'airbench' && optimizer === 'muon' && !asked;
}
