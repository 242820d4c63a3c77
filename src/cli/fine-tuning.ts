/** The flags of `tract train` for models that have learned something already. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Tensors } from '../engine/session.js';
import type { Model } from '../nn/model.js';
import { type GroupedParameter, type ParameterGroup, selects } from '../optim/groups.js';
import { groupedParameters } from '../optim/model-groups.js';
import { sameShape } from '../tensor/tensor.js';
import { UsageError } from './errors.js';
import { whole } from './values.js';

export interface FineTuningFlags {
  readonly freeze?: readonly string[];
  readonly trainOnly?: readonly string[];
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
    .addOption(
      new Option(
        '--freeze <parameters>',
        `leave these as they are, and the running statistics of batch norms among them: ${SELECTION}`,
      ).argParser(names),
    )
    .addOption(new Option('--train-only <parameters>', 'leave all others as they are').argParser(names))
    .addOption(
      new Option(
        '--patience <epochs>',
        'end when the loss on the validation images has not become lower for so many epochs',
      ).argParser(whole(1)),
    );
}

/** The parameter groups of what is not trained. */
export function frozenGroups({ freeze, trainOnly }: FineTuningFlags): ParameterGroup[] {
  const trained = trainOnly && selects(trainOnly);
  return [
    ...(freeze ? [{ parameters: freeze, trainable: false }] : []),
    ...(trained
      ? [{ parameters: (parameter: GroupedParameter) => !trained(parameter), trainable: false }]
      : []),
  ];
}

/** @throws UsageError where a flag selects nothing, or nothing is left to train */
export function checkSelection({ freeze, trainOnly }: FineTuningFlags, model: Model): void {
  if (!freeze && !trainOnly) return;
  const parameters = groupedParameters(model);
  for (const [flag, words = []] of [
    ['--freeze', freeze],
    ['--train-only', trainOnly],
  ] as const) {
    for (const word of words) {
      if (!parameters.some(selects(word)))
        throw new UsageError(`${flag} ${word}: no parameter is that; there are ${described(parameters)}`);
    }
  }
  const left = parameters.filter(
    (parameter) => !selects(freeze ?? [])(parameter) && (!trainOnly || selects(trainOnly)(parameter)),
  );
  if (left.length === 0) throw new UsageError('nothing is left to train');
}

/** How many parameters a message names. */
const MOST_NAMED = 8;

function described(parameters: readonly GroupedParameter[]): string {
  const kinds = new Set(parameters.flatMap((parameter) => [...parameter.kinds]));
  const some = parameters.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = parameters.length > some.length ? ', …' : '';
  return `the kinds ${[...kinds].join(', ')} and the parameters ${some.join(', ')}${more}`;
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
  const isNew = groupedParameters(model).flatMap(({ name, kinds }) => {
    const given = Object.hasOwn(weights, name) ? weights[name] : undefined;
    return kinds.has('head') && !(given && sameShape(given.shape, initial[name].shape)) ? [name] : [];
  });
  return {
    weights: { ...weights, ...Object.fromEntries(isNew.map((name) => [name, initial[name]])) },
    isNew,
  };
}
