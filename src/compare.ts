/** `tract-ts/compare`: the same model trained by several methods, what that shows, and the first layer in pictures. */
export {
  type ActivationUpdates,
  type UpdateProblem,
  activationUpdates,
} from './compare/activation-update.js';
export { type CompareEvent, type CompareOptions, type CompareResult, compare } from './compare/compare.js';
export { type Inspection, type InspectionOptions, inspect } from './compare/inspection.js';
export type { Comparison } from './compare/plan.js';
export type { Results } from './compare/results.js';
export { type Method, type Variant, methods, variantsOf } from './compare/variant.js';
