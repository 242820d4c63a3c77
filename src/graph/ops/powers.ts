/** What Lp norms are made of. */
import { GraphError, type Value } from '../graph.js';
import { abs, mul, pow, sqrt, where } from './elementwise.js';
import { equal } from './logic.js';

/** The pth root of what is not negative; at zero, where it has no derivative, its gradient is zero, as in PyTorch. */
export function positiveRoot(x: Value, p: number): Value {
  if (p === 1) return x;
  const isZero = equal(x, 0);
  const positive = where(isZero, 1, x);
  return where(isZero, 0, p === 2 ? sqrt(positive) : pow(positive, 1 / p));
}

/** |x|ᵖ. */
export function absolutePower(opType: string, x: Value, p: number): Value {
  if (!Number.isSafeInteger(p) || p < 1) throw new GraphError(`${opType}: p must be at least 1, not ${p}`);
  if (p % 2 === 0) return p === 2 ? mul(x, x) : pow(x, p);
  return p === 1 ? abs(x) : pow(abs(x), p);
}
