/** The flags of `tract train` for models that have learned something already. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Tensors } from '../engine/session.js';
import { isFileModel } from '../models/file-model-options.js';
import type { Model } from '../nn/model.js';
import { type GroupedParameter, type ParameterGroup, checkMeaning, selects } from '../optim/groups.js';
import { groupedParameters } from '../optim/model-groups.js';
import { sameShape } from '../tensor/tensor.js';
import type { TrainingStage } from '../train/stages.js';
import { UsageError } from './errors.js';
import { note } from './terminal.js';
import { names, number, whole } from './values.js';

export interface FineTuningFlags {
  readonly freeze?: readonly string[];
  readonly trainOnly?: readonly string[];
  readonly stages?: readonly TrainingStage[];
  readonly patience?: number;
}

const STAGES =
  'It must be like head:3,all:7, with the number of epochs after the colon; and :lr-factor=0.1 behind it.';
const factor = number('a number above 0', (value) => value > 0);

/** Such as `head:3,all:7:lr-factor=0.1`; several parameters with `+` between them. Names may have colons, too. */
export function stagesValue(text: string): TrainingStage[] {
  return text.split(',').map((stage) => {
    const found = /^(.+?):([^:]+?)(?::lr-factor=([^:]+))?$/.exec(stage.trim());
    if (!found) throw new InvalidArgumentError(STAGES);
    const [, which, epochs, rate] = found as (string | undefined)[] as [string, string, string, string?];
    const parameters = which.split('+').map((name) => name.trim());
    if (parameters.includes('')) throw new InvalidArgumentError(STAGES);
    return {
      ...(which !== 'all' && { parameters }),
      epochs: whole(1)(epochs),
      ...(rate !== undefined && { learningRateFactor: factor(rate) }),
    };
  });
}

/** The epochs of all stages. */
export const epochsOf = (stages: readonly TrainingStage[]): number =>
  stages.reduce((sum, { epochs }) => sum + epochs, 0);

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
        '--stages <stages>',
        'what is trained for how many epochs, such as head:3,all:7:lr-factor=0.1: the head first, then everything at a tenth of the rate; each begins as a run of its own with the weights of the one before, and takes the place of --epochs',
      ).argParser(stagesValue),
    )
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
export function checkSelection({ freeze, trainOnly, stages }: FineTuningFlags, model: Model): void {
  if (!freeze && !trainOnly && !stages) return;
  const parameters = groupedParameters(model);
  for (const [flag, words = []] of [
    ['--freeze', freeze],
    ['--train-only', trainOnly],
    ['--stages', stages?.flatMap(({ parameters = [] }) => parameters as string[])],
  ] as const) {
    for (const word of words) {
      if (!parameters.some(selects(word)))
        throw new UsageError(`${flag} ${word}: no parameter is that; there are ${described(parameters)}`);
    }
    checkMeaning(words, parameters);
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

/** Says what was made of weights that were taken from a file: which parameters are new, and what is assumed of others. */
export function tellWeights({ isNew }: { readonly isNew: readonly string[] }, model: Model): void {
  if (isNew.length > 0)
    note(`The head is new, because the weights have none of its size: ${isNew.join(', ')}`);
  const turned = isFileModel(model)
    ? [...model.file.inFile.values()].filter(({ transposed }) => transposed)
    : [];
  if (turned.length > 0)
    note(
      `${turned.length} matrices that the model's file has numbers for are taken to be PyTorch's, only turned round; what a module computes of a weight before it uses it would be something else.`,
    );
}

/**
 * Weights with the head that a model begins with, where they have none, or one of another size.
 *
 * @returns the weights, and the names of what is new
 * @throws UsageError for weights with batch normalisation that the model has no more
 */
export function withHead(
  weights: Tensors,
  initial: Tensors,
  model: Model,
): { readonly weights: Tensors; readonly isNew: readonly string[] } {
  const norm = Object.keys(weights).find(
    (name) => name.endsWith('.running_mean') && !Object.hasOwn(initial, name),
  );
  if (isFileModel(model) && norm !== undefined)
    throw new UsageError(
      `--weights has batch normalisation (${norm}) that the file of the model has folded into its convolutions, whose weights are others there; take a file that was exported for training`,
    );
  const isNew = groupedParameters(model).flatMap(({ name, kinds }) => {
    const given = Object.hasOwn(weights, name) ? weights[name] : undefined;
    return kinds.has('head') && !(given && sameShape(given.shape, initial[name].shape)) ? [name] : [];
  });
  return {
    weights: { ...weights, ...Object.fromEntries(isNew.map((name) => [name, initial[name]])) },
    isNew,
  };
}
