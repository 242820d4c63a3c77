/** The flags of `tract train` for models that have learned something already. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Tensors } from '../engine/session.js';
import { parameterKinds } from '../nn/kinds.js';
import { type Model, traceAlone } from '../nn/model.js';
import { type GroupedParameter, type ParameterGroup, selects } from '../optim/groups.js';
import { layerDecay } from '../optim/layer-decay.js';
import { type GradientTransform, clipByGlobalNorm } from '../optim/transform.js';
import { sameShape } from '../tensor/tensor.js';
import { UsageError } from './errors.js';
import { number, whole } from './values.js';

export interface FineTuningFlags {
  readonly freeze?: readonly string[];
  readonly trainOnly?: readonly string[];
  readonly layerDecay?: number;
  readonly clipNorm?: number;
  readonly patience?: number;
}

const names = (text: string): string[] => {
  const found = text.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('It must be names with commas between them.');
  return found;
};

const SELECTION =
  'names, paths such as layer1, patterns such as *.bias, or kinds: head, first, norm, bias, embedding, weight';

/** Adds the flags as a group of their own. */
export function addFineTuningFlags(command: Command): Command {
  return command
    .optionsGroup('Fine-tuning:')
    .addOption(new Option('--freeze <parameters>', `leave these as they are: ${SELECTION}`).argParser(names))
    .addOption(new Option('--train-only <parameters>', 'leave all others as they are').argParser(names))
    .addOption(
      new Option(
        '--layer-decay <factor>',
        'learning rate of each block as a share of that of the block behind it, such as 0.75',
      ).argParser(number('a number above 0 and at most 1', (value) => value > 0 && value <= 1)),
    )
    .addOption(
      new Option('--clip-norm <norm>', 'scale gradients down where their joint norm is larger').argParser(
        number('a number above 0', (value) => value > 0),
      ),
    )
    .addOption(
      new Option(
        '--patience <epochs>',
        'end when the loss on the validation images has not become lower for so many epochs',
      ).argParser(whole(1)),
    );
}

/** Every parameter of a model, as groups tell it from others. */
function parametersOf(model: Model): GroupedParameter[] {
  const traced = traceAlone(model, 1, true);
  const kinds = parameterKinds(traced);
  return [...traced.parameters.keys()].map((name) => ({ name, kinds: kinds.get(name)! }));
}

/**
 * Which parameters are trained, and how fast.
 *
 * @throws UsageError where nothing is selected, or nothing is left to train
 */
export function groupsFrom(flags: FineTuningFlags, model: Model): ParameterGroup[] {
  const { freeze, trainOnly, layerDecay: decay } = flags;
  if (!freeze && !trainOnly) return decay === undefined ? [] : layerDecay(model, decay);
  const parameters = parametersOf(model);
  const selected = (flag: string, words: readonly string[]): ((parameter: GroupedParameter) => boolean) => {
    for (const word of words) {
      if (!parameters.some(selects(word)))
        throw new UsageError(`${flag} ${word}: no parameter is that; there are ${described(parameters)}`);
    }
    return selects(words);
  };
  const frozen = freeze ? selected('--freeze', freeze) : () => false;
  const kept = trainOnly ? selected('--train-only', trainOnly) : () => true;
  const isFrozen = (parameter: GroupedParameter): boolean => frozen(parameter) || !kept(parameter);
  if (parameters.every(isFrozen)) throw new UsageError('nothing is left to train');
  const still = parameters.some(isFrozen) ? [{ parameters: isFrozen, trainable: false }] : [];
  // A block of which all is frozen is no group.
  const moving = parameters.filter((parameter) => !isFrozen(parameter));
  const decayed = decay === undefined ? [] : layerDecay(model, decay);
  return [...still, ...decayed.filter((group) => moving.some(selects(group.parameters)))];
}

/** How many parameters a message names. */
const MOST_NAMED = 8;

function described(parameters: readonly GroupedParameter[]): string {
  const kinds = new Set(parameters.flatMap((parameter) => [...parameter.kinds]));
  const some = parameters.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = parameters.length > some.length ? ', …' : '';
  return `the kinds ${[...kinds].join(', ')} and the parameters ${some.join(', ')}${more}`;
}

/** What is done to gradients. */
export function transformsFrom({ clipNorm }: FineTuningFlags): GradientTransform[] {
  return clipNorm === undefined ? [] : [clipByGlobalNorm(clipNorm)];
}

/**
 * Weights with the head that a model begins with, where they have none, or one of another size.
 *
 * @returns the weights, and the names of what is new
 */
export function withHead(
  weights: Tensors,
  initial: Tensors,
  model: Model,
): { readonly weights: Tensors; readonly isNew: readonly string[] } {
  const isNew = parametersOf(model).flatMap(({ name, kinds }) => {
    const given = Object.hasOwn(weights, name) ? weights[name] : undefined;
    return kinds.has('head') && !(given && sameShape(given.shape, initial[name].shape)) ? [name] : [];
  });
  return {
    weights: { ...weights, ...Object.fromEntries(isNew.map((name) => [name, initial[name]])) },
    isNew,
  };
}
