/** λ, the method's only hyperparameter. */
import { parseDecimal } from '../tensor/decimal.js';
import { OptionError } from '../tensor/option-error.js';

/**
 * How strongly the Gram matrix `xᵀx / b` is regularised: by a number, or relative to the mean of its own diagonal.
 *
 * A number means what it means for standardised inputs only; scaling the input by s scales the Gram matrix by s².
 * `{ relative: r }` stands for `λ = r · trace(xᵀx / b) / n`, computed anew of every batch (and of every group of a
 * convolution), and holds up under any scale of the input.
 */
export type Lambda = number | { readonly relative: number };

/** The paper's default for standardised inputs. */
export const DEFAULT_LAMBDA = 0.1;

/** Added to a relative λ, so that the matrix is definite for a batch of nothing but zeros too. */
export const RELATIVE_FLOOR = 1e-30;

/** @throws OptionError unless λ, or the factor of a relative one, is finite and positive */
export function checkLambda(lambda: Lambda): void {
  const value = typeof lambda === 'number' ? lambda : lambda.relative;
  if (!(Number.isFinite(value) && value > 0)) {
    const name = typeof lambda === 'number' ? 'lambda' : 'relative lambda';
    throw new OptionError(
      `TrAct's ${name} must be finite and positive, not ${value}; the default is ${DEFAULT_LAMBDA}`,
    );
  }
}

/**
 * The number that is added to the diagonal of a Gram matrix.
 *
 * @param diagonalSum the trace of `xᵀx / b`
 * @param features n, the number of inputs of the layer
 */
export function absoluteLambda(lambda: Lambda, diagonalSum: number, features: number): number {
  return typeof lambda === 'number' ? lambda : (lambda.relative * diagonalSum) / features + RELATIVE_FLOOR;
}

const RELATIVE = 'relative:';

/** λ as the command line writes it: `0.1`, or `relative:0.1`. */
export function formatLambda(lambda: Lambda): string {
  return typeof lambda === 'number' ? String(lambda) : `${RELATIVE}${lambda.relative}`;
}

/**
 * Reads λ as `formatLambda` writes it.
 *
 * @throws OptionError for a text that is no finite and positive λ
 */
export function parseLambda(text: string): Lambda {
  const relative = text.startsWith(RELATIVE);
  const digits = relative ? text.slice(RELATIVE.length) : text;
  const value = parseDecimal(digits);
  const lambda = relative ? { relative: value } : value;
  checkLambda(lambda);
  return lambda;
}
