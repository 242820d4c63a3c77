/** λ, the method's only hyperparameter. */

/** The paper's default for standardised inputs. */
export const DEFAULT_LAMBDA = 0.1;

/** @throws RangeError unless λ is finite and positive */
export function checkLambda(lambda: number): void {
  if (!(Number.isFinite(lambda) && lambda > 0)) {
    throw new RangeError(
      `TrAct's lambda must be finite and positive, not ${lambda}; the default is ${DEFAULT_LAMBDA}`,
    );
  }
}
