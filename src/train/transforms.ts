/** Gradient transforms by name, as checkpoints know them. */
import { centralizeGradients } from '../optim/centralize.js';
import { type GradientTransform, type Json, clipByGlobalNorm } from '../optim/transform.js';
import { OptionError } from '../tensor/option-error.js';
import type { Lambda } from '../tract/lambda.js';
import { overTimeOf } from '../tract/over-time.js';
import { type GramShapes, tractTransform } from '../tract/transform.js';

const makers: Readonly<Record<string, (config: { readonly [key: string]: Json }) => GradientTransform>> = {
  tract: ({ weights, lambda, gramShapes, ...overTime }) => {
    if (!Array.isArray(weights) || !weights.every((name) => typeof name === 'string'))
      throw new OptionError('tract: weights must be a list of names');
    return tractTransform(weights, lambda as Lambda, overTimeOf(overTime), (gramShapes ?? {}) as GramShapes);
  },
  centralize: () => centralizeGradients(),
  clip: ({ maxNorm }) => clipByGlobalNorm(Number(maxNorm)),
};

/**
 * Makes a transform from the `name` and the `config` of another.
 *
 * @throws OptionError for a name that is none of this package's, or a value out of range
 */
export function createTransform(name: string, config: { readonly [key: string]: Json }): GradientTransform {
  if (Object.hasOwn(makers, name)) return makers[name](config);
  throw new OptionError(`"${name}" is none of this package's transforms; give the transform itself`);
}
