/** The gradient check of each operator on each engine: float32 there, against central differences in float64 here. */
import { lower } from '../../engine/compile.js';
import { portable } from '../../engine/lowering/portable.js';
import { wasm } from '../../engine/lowering/wasm.js';
import type { Rewrites } from '../../graph/rewrite.js';
import { toNumbers } from '../../tensor/tensor.js';
import { casesByBuilder } from '../gradient-cases/all.js';
import type { GradientCase } from '../gradient-cases/case.js';
import { type Slope, gradientProblem, scaleOf, slopeOf, slopesOf } from '../gradients.js';
import type { Engine } from './engine.js';
import type { GradientRun } from './gradient-run.js';

/** What came of an operator's cases on one engine. */
export interface OperatorErrors {
  /** The largest of those that are right. */
  readonly largest: number;
  /** The cases whose gradient is wrong, and by how much. */
  readonly wrong: readonly string[];
  /** The cases that gave none, and why. */
  readonly failed: readonly string[];
}

export interface OperatorRow {
  readonly operator: string;
  readonly cases: number;
  /** By the title of the engine. */
  readonly errors: Readonly<Record<string, OperatorErrors>>;
}

/** Of the engines that are not native, by ONNX Runtime's name. */
const lowerings: Readonly<Record<string, Rewrites | undefined>> = { wasm, webgpu: portable };

/** A gradient with a larger error is wrong; the differences themselves are off by up to a thousandth. */
const WRONG = 1e-2;

/** Cases that are run in one page. */
const AT_ONCE = 40;

/**
 * @param wanted only operators whose name contains it
 * @param onProgress called with what is being done, in words
 */
export async function compareOperators(
  engines: readonly Engine[],
  wanted = '',
  onProgress: (doing: string) => void = () => undefined,
): Promise<OperatorRow[]> {
  const checks = Object.entries<readonly GradientCase[]>(casesByBuilder)
    .filter(([operator]) => operator.toLowerCase().includes(wanted.toLowerCase()))
    .flatMap(([operator, cases]) => cases.map((check) => ({ operator, check })));
  const slopes: Slope[][][] = [];
  for (const { check } of checks) {
    onProgress(`central differences of ${check.name}`);
    slopes.push(await slopesOf(check.build, check.shapes, check));
  }
  const rows = new Map<string, { cases: number; errors: Record<string, OperatorErrors> }>();
  for (const { operator } of checks) {
    const row = rows.get(operator) ?? { cases: 0, errors: {} };
    row.cases++;
    rows.set(operator, row);
  }
  for (const engine of engines) {
    for (let first = 0; first < checks.length; first += AT_ONCE) {
      onProgress(`${engine.title}: gradients ${first + 1} of ${checks.length}`);
      const part = checks.slice(first, first + AT_ONCE);
      const runs = await Promise.all(part.map(({ check }) => runOf(check, engine)));
      const outcomes = await engine
        .gradients(runs)
        .catch((error: unknown) => part.map(() => (error as Error).message.split('\n')[0]));
      outcomes.forEach((outcome, i) => {
        const { operator, check } = part[i];
        const { errors } = rows.get(operator)!;
        const { largest, wrong, failed } = errors[engine.title] ?? { largest: 0, wrong: [], failed: [] };
        if (typeof outcome === 'string') {
          errors[engine.title] = { largest, wrong, failed: [...failed, `${check.name}: ${outcome}`] };
          return;
        }
        const { gradients, overtaken = 0 } = outcome;
        const error = errorOf(gradients, slopes[first + i]);
        // Written so that NaN is wrong.
        const right = error <= WRONG;
        errors[engine.title] = {
          largest: right ? Math.max(largest, error) : largest,
          wrong: right
            ? wrong
            : [
                ...wrong,
                `${check.name}: ${error.toExponential(1)}${overtaken > 0 ? ' (a copy overtook a kernel)' : ''}`,
              ],
          failed,
        };
      });
    }
  }
  return [...rows].map(([operator, row]) => ({ operator, ...row }));
}

async function runOf(check: GradientCase, { device, provider }: Engine): Promise<GradientRun> {
  const { graph, inputs, feeds } = gradientProblem(check.build, check.shapes, { ...check, dtype: 'float32' });
  for (const name of [...graph.outputs.keys()]) if (name.startsWith('result')) graph.outputs.delete(name);
  return {
    // In the form that the engine trains in; where it is not this process it has to be named.
    bytes: await lower(graph, device, lowerings[provider]),
    feeds: Object.fromEntries(
      inputs.map((_, i) => {
        const { dtype, shape, data } = feeds[`x${i}`];
        return [`x${i}`, { dtype, shape, data: toNumbers({ dtype, shape, data }) }];
      }),
    ),
  };
}

/** Relative to the largest slope of the input; NaN where a gradient is no number. */
function errorOf(gradients: readonly (readonly number[])[], slopes: readonly Slope[][]): number {
  const errors = slopes.flatMap((own, i) => {
    const scale = scaleOf(own);
    return own.map(({ direction, numeric }) => Math.abs(slopeOf(gradients[i], direction) - numeric) / scale);
  });
  return Math.max(0, ...errors);
}
