/** The models by name, as the command and checkpoints know them. */
import type { ConfigValue, Model } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { airbench } from './airbench.js';
import { mlp } from './mlp.js';
import { resnet18, resnet34, resnet50 } from './resnet.js';
import { vit, vitBase, vitSmall, vitTiny } from './vit.js';

/** A model that is made by its name. */
export interface ModelEntry {
  readonly create: (options: Record<string, never>) => Model;
  readonly description: string;
  /** Options that its configuration has only where they are used, with their defaults. */
  readonly optional?: Readonly<Record<string, ConfigValue>>;
}

// The factories check their options themselves, at run time, because a checkpoint's may be anything.
const entry = (
  create: (options: never) => Model,
  description: string,
  optional: Readonly<Record<string, ConfigValue>> = {},
): ModelEntry => ({ create: create as ModelEntry['create'], description, optional });

const withDropPath = { dropPath: 0 };
const ofResNets = { ...withDropPath, zeroInitResidual: false };

/** The built-in models by their names. */
export const models: ReadonlyMap<string, ModelEntry> = new Map([
  ['resnet18', entry(resnet18, 'residual network of 18 layers (He et al., 2016)', ofResNets)],
  ['resnet34', entry(resnet34, 'residual network of 34 layers', ofResNets)],
  ['resnet50', entry(resnet50, 'residual network of 50 layers, with bottleneck blocks', ofResNets)],
  [
    'vit',
    entry(vit, 'vision transformer (Dosovitskiy et al., 2021) of a size for small images', withDropPath),
  ],
  ['vit-tiny', entry(vitTiny, 'ViT-Ti/16 for images of 224 pixels', withDropPath)],
  ['vit-small', entry(vitSmall, 'ViT-S/16 for images of 224 pixels', withDropPath)],
  ['vit-base', entry(vitBase, 'ViT-B/16 for images of 224 pixels', withDropPath)],
  ['airbench', entry(airbench, 'the network of airbench94 (Jordan, 2024), for the recipe speed')],
  ['mlp', entry(mlp, 'multi-layer perceptron on the pixels')],
]);

/** The options of a model, and their defaults. @throws OptionError for a name that does not exist */
export function modelOptions(name: string): Readonly<Record<string, ConfigValue>> {
  const found = models.get(name);
  if (!found)
    throw new OptionError(`there is no model "${name}"; there are ${[...models.keys()].join(', ')}`);
  return { ...found.create({}).config, ...found.optional };
}

/**
 * Makes a model by name.
 *
 * @throws OptionError for a name that does not exist, an option the model does not have, or a value it cannot take
 */
export function createModel(
  name: string,
  options: Readonly<Record<string, ConfigValue | undefined>> = {},
): Model {
  const config = modelOptions(name);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [option, value] of Object.entries(given)) {
    if (!Object.hasOwn(config, option)) {
      throw new OptionError(`${name} has no option "${option}"; it has ${Object.keys(config).join(', ')}`);
    }
    if (typeof value !== typeof config[option]) {
      throw new OptionError(
        `${name}: ${option} must be a ${typeof config[option]}, not ${JSON.stringify(value)}`,
      );
    }
  }
  return models.get(name)!.create(given as Record<string, never>);
}
