/** What a comparison compares: methods, each with the λ it was run with. */
import type { ConfigValue, Model } from '../nn/model.js';
import { createModel } from '../models/registry.js';
import type { Trainable } from '../optim/trainable.js';
import type { GradientTransform } from '../optim/transform.js';
import { OptionError } from '../tensor/option-error.js';
import { type Lambda, formatLambda } from '../tract/lambda.js';
import { type TractOptions, tract } from '../tract/tract.js';
import { type Rival, rivals, withFirstLayer } from './input-layers.js';

/** `vanilla` and `tract` train the same model; the others change its first layer (see `rivals`). */
export const methods = [
  'vanilla',
  'tract',
  'patch-norm',
  'dual-patch-norm',
  'whitening',
  'whitening-start',
] as const;
/** One of `methods`. */
export type Method = (typeof methods)[number];

/** A method with its λ. */
export interface Variant {
  /** Unique in a comparison, and fit for a file's name: `tract-0.1`. Letters, digits, and `. _ + -` after the first. */
  readonly id: string;
  /** For people: `TrAct (λ = 0.1)`. Unique, too; at most 80 characters. */
  readonly label: string;
  readonly method: Method;
  /** Of TrAct. */
  readonly lambda?: Lambda;
}

const labels: Readonly<Record<Exclude<Method, 'tract'>, string>> = {
  vanilla: 'vanilla',
  'patch-norm': 'patch-wise layer norm',
  'dual-patch-norm': 'DualPatchNorm',
  whitening: 'first-layer whitening',
  'whitening-start': 'whitening at the start',
};

/**
 * The methods as variants, TrAct once for each λ.
 *
 * @throws OptionError for a method or λ that is given twice
 */
export function variantsOf(names: readonly Method[], lambdas: readonly Lambda[]): Variant[] {
  const variants = names.flatMap((method): Variant[] => {
    if (method !== 'tract') return [{ id: method, label: labels[method], method }];
    return lambdas.map((lambda) => ({
      id: `tract-${formatLambda(lambda).replace(':', '-')}`,
      // With a single λ its value is no part of the method's name.
      label: lambdas.length > 1 ? `TrAct (λ ${inWords(lambda)})` : 'TrAct',
      method,
      lambda,
    }));
  });
  const twice = variants.find(({ id }, i) => variants.findIndex((other) => other.id === id) !== i);
  if (twice) throw new OptionError(`${twice.id} is asked for twice`);
  return variants;
}

/** Becomes part of paths: nothing that leads out of a folder, or that a file system has a meaning for. */
const ID = /^[A-Za-z0-9][\w.+-]{0,63}$/;
/** Of labels: what a terminal, a page or an SVG would take for more than text. */
const UNPRINTABLE =
  /[\p{Control}\p{Surrogate}\p{Line_Separator}\p{Paragraph_Separator}\p{Bidi_Control}\uFFFE\uFFFF]/u;
const LONGEST_LABEL = 80;

/**
 * Checks what a caller made.
 *
 * @throws RangeError for an id that is no safe name of a file, a label that cannot be printed, or one of two that are
 *   the same
 */
export function checkVariants(variants: readonly Variant[]): void {
  const seen = new Set<string>();
  const once = (kind: string, text: string): void => {
    // Some file systems take Abc and abc for one.
    const key = `${kind} ${text.toLowerCase()}`;
    if (seen.has(key)) throw new OptionError(`two methods have the ${kind} ${JSON.stringify(text)}`);
    seen.add(key);
  };
  for (const { id, label } of variants as readonly { id: unknown; label: unknown }[]) {
    if (typeof id !== 'string' || !ID.test(id)) {
      throw new OptionError(
        `a method's id becomes the name of files: up to 64 letters, digits, and . _ + - after the first, not ${shown(id)}`,
      );
    }
    if (
      typeof label !== 'string' ||
      label.trim() === '' ||
      label.length > LONGEST_LABEL ||
      UNPRINTABLE.test(label)
    ) {
      throw new OptionError(
        `a method's label is up to ${LONGEST_LABEL} printable characters in one line, not ${shown(label)}`,
      );
    }
    once('id', id);
    once('label', label);
  }
}

/** What was given instead, quoted and short. */
function shown(value: unknown): string {
  if (typeof value !== 'string') return `a value of type ${typeof value}`;
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** `= 0.1`, or `= 0.1 relative` */
const inWords = (lambda: Lambda): string =>
  typeof lambda === 'number' ? `= ${lambda}` : `= ${lambda.relative} relative`;

/**
 * What a variant trains. Parameters of equal names get equal initial values from equal seeds.
 *
 * @param transforms of the gradients, alike for all methods; behind TrAct
 * @param tractOptions of TrAct, beside its λ
 * @throws OptionError when the model has no such first layer
 * @throws FirstLayerError when TrAct finds no first layer
 */
export function trainableOfVariant(
  { method, lambda }: Variant,
  model: Model,
  transforms: readonly GradientTransform[] = [],
  tractOptions: Omit<TractOptions, 'lambda'> = {},
): Trainable {
  if (method === 'tract')
    return tract({ model, transforms }, { ...tractOptions, ...(lambda !== undefined && { lambda }) });
  return { model: method === 'vanilla' ? model : withFirstLayer(model, method), transforms };
}

/**
 * Makes a model by the name that a checkpoint has: `createModel`'s, or one followed by `+` and a rival.
 *
 * @throws OptionError for a name that does not exist, an option the model does not have, or a value it cannot take
 */
export function createVariantModel(name: string, config: Readonly<Record<string, ConfigValue>>): Model {
  const [base, ...rest] = name.split('+');
  const model = createModel(base, config);
  if (rest.length === 0) return model;
  const rival = rest.join('+');
  if (!Object.hasOwn(rivals, rival))
    throw new OptionError(`there is no first layer "${rival}"; there are ${Object.keys(rivals).join(', ')}`);
  return withFirstLayer(model, rival as Rival);
}
