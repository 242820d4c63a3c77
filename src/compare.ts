/** `tract-ts/compare`: the same model trained by several methods, what that shows, and the first layer in pictures. */
export {
  type ActivationUpdates,
  type UpdateProblem,
  activationUpdates,
} from './compare/activation-update.js';
export { type CompareEvent, type CompareOptions, type CompareResult, compare } from './compare/compare.js';
export type { Chart } from './compare/chart.js';
export type { Chance } from './compare/chance.js';
export type { Conclusions, Reached, RunResult, Target, VariantResult, Versus } from './compare/conclude.js';
export type { MeanPoint, Spread } from './compare/curves.js';
export type { FilterPicture } from './compare/filters.js';
export {
  type Inspection,
  type InspectionOptions,
  type UpdatePicture,
  inspect,
} from './compare/inspection.js';
export type { MatrixProgress } from './compare/matrix-progress.js';
export { type MergedRow, mergedRows, mergedTable } from './compare/merged-table.js';
export type { Comparison, VariantSettings } from './compare/plan.js';
export type { Decision } from './compare/sequential.js';
export type { PairedDifference } from './compare/statistics.js';
export { rateChart } from './compare/rate-chart.js';
export type { Results, Setup } from './compare/results.js';
export type { Correlations, UpdateCorrelations } from './compare/update-charts.js';
export { type Method, type Variant, methods, variantsOf } from './compare/variant.js';
