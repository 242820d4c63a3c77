/** ONNX Runtime's profile of a training step, added up by operator and by layer. */

/** An entry of the file that ONNX Runtime writes (Chrome's trace event format); times are in microseconds. */
export interface ProfileEvent {
  /** `Node` for kernels, `Session` for whole runs. */
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly op_name?: string; readonly mem_bytes_in_use?: string };
}

/** What part a node has in the step, by the end of its scope. */
export type Phase = 'forward' | 'gradient' | 'tract' | 'update';

export interface OperatorTime {
  readonly operator: string;
  /** Kernels a step. */
  readonly count: number;
  readonly milliseconds: number;
}

export interface LayerTime {
  readonly layer: string;
  readonly milliseconds: Readonly<Record<Phase, number>>;
}

/** Of a single step, on average. */
export interface StepProfile {
  readonly steps: number;
  /** As ONNX Runtime measures a whole run. */
  readonly runMilliseconds: number;
  readonly kernelMilliseconds: number;
  readonly kernels: number;
  /** The slowest first. */
  readonly operators: readonly OperatorTime[];
  /** In the order of their first nodes in the graph. */
  readonly layers: readonly LayerTime[];
  /** The most memory that was in use in ONNX Runtime's arena. */
  readonly peakBytes: number;
}

const KERNEL = '_kernel_time';
/** Of nodes that ONNX Runtime adds by itself, such as transpositions, which have no layer's name. */
export const RUNTIME_LAYER = '(added by ONNX Runtime)';

/**
 * The layer, the phase and the position in the graph that a node's name tells: `layer1.0.conv1/grad/Conv_12` belongs to
 * the gradient of `layer1.0.conv1`. Names of fused nodes have something behind the operator.
 */
export function placeOf(name: string): { layer: string; phase: Phase; index: number } {
  const found = /^(.*?)\/[A-Z]\w*_(\d+)(\/|$)/.exec(name);
  // Behind everything else.
  if (!found) return { layer: RUNTIME_LAYER, phase: 'forward', index: Number.MAX_SAFE_INTEGER };
  const [layer, part] = found[1].split('/');
  const index = Number(found[2]);
  if (layer === 'optimizer') return { layer: part.replace(/\.[^.]*$/, ''), phase: 'update', index };
  const phase = { grad: 'gradient', tract: 'tract' }[part] as Phase | undefined;
  return { layer: layer === '' ? 'step' : layer, phase: phase ?? 'forward', index };
}

/**
 * @param warmUp runs at the beginning that are left out
 * @throws RangeError where the profile has no more runs than these
 */
export function summarizeProfile(events: readonly ProfileEvent[], warmUp: number): StepProfile {
  const runs = events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .toSorted((a, b) => a.ts - b.ts)
    .slice(warmUp);
  if (runs.length === 0) throw new RangeError(`the profile has no more than ${warmUp} runs`);
  const [begin, end] = [runs[0].ts, runs.at(-1)!.ts + runs.at(-1)!.dur];
  const kernels = events
    .filter(({ cat, name, ts }) => cat === 'Node' && name.endsWith(KERNEL) && ts >= begin && ts <= end)
    .toSorted((a, b) => a.ts - b.ts);

  const operators = new Map<string, { count: number; milliseconds: number }>();
  const layers = new Map<string, Record<Phase, number>>();
  const firstNode = new Map<string, number>();
  let peakBytes = 0;
  for (const { name, dur, args } of kernels) {
    const milliseconds = dur / 1000 / runs.length;
    const operator = args.op_name ?? 'unknown';
    const ofOperator = operators.get(operator) ?? { count: 0, milliseconds: 0 };
    ofOperator.count += 1 / runs.length;
    ofOperator.milliseconds += milliseconds;
    operators.set(operator, ofOperator);
    const { layer, phase, index } = placeOf(name.slice(0, -KERNEL.length));
    const ofLayer = layers.get(layer) ?? { forward: 0, gradient: 0, tract: 0, update: 0 };
    ofLayer[phase] += milliseconds;
    layers.set(layer, ofLayer);
    firstNode.set(layer, Math.min(firstNode.get(layer) ?? Infinity, index));
    peakBytes = Math.max(peakBytes, Number(args.mem_bytes_in_use ?? 0));
  }
  return {
    steps: runs.length,
    runMilliseconds: runs.reduce((sum, { dur }) => sum + dur, 0) / 1000 / runs.length,
    kernelMilliseconds: kernels.reduce((sum, { dur }) => sum + dur, 0) / 1000 / runs.length,
    kernels: kernels.length / runs.length,
    operators: [...operators]
      .map(([operator, times]) => ({ operator, ...times }))
      .sort((a, b) => b.milliseconds - a.milliseconds),
    layers: [...layers]
      .map(([layer, milliseconds]) => ({ layer, milliseconds }))
      .sort((a, b) => firstNode.get(a.layer)! - firstNode.get(b.layer)!),
    peakBytes,
  };
}
