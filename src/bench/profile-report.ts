/** Profiles as text. */
import { table } from '../cli/layout.js';
import type { LayerTime, StepProfile } from './profile.js';
import type { ProfiledCase } from './profile-process.js';

const phases = ['forward', 'gradient', 'tract', 'update'] as const;
const milliseconds = (value: number): string => value.toFixed(2);

/** Operators and layers that take less than this share of a step are added up in one row. */
const SMALLEST_SHARE = 0.002;

export function profileReport(name: string, profile: ProfiledCase): string {
  const { wallMilliseconds, runMilliseconds, kernelMilliseconds, kernels, peakBytes } = profile;
  const beside = Math.max(runMilliseconds - kernelMilliseconds, 0);
  return [
    `${name}, with TrAct, ${profile.steps} steps under ONNX Runtime's profiler (which slows them down itself)`,
    `a step takes ${milliseconds(wallMilliseconds)} ms (median); a run on average ${milliseconds(runMilliseconds)} ms, ` +
      `of which ${kernels.toFixed(0)} kernels take ${milliseconds(kernelMilliseconds)} ms and what is between them ` +
      `${milliseconds(beside)} ms (${((1000 * beside) / kernels).toFixed(1)} µs a kernel)`,
    // Not told on WebAssembly.
    ...(peakBytes > 0
      ? [`its tensors take at most ${(peakBytes / 1e6).toFixed(0)} MB together, besides the state`]
      : []),
    '',
    operatorTable(profile),
    '',
    layerTable(profile),
  ].join('\n');
}

function operatorTable({ operators, kernelMilliseconds }: StepProfile): string {
  const share = (value: number): string => `${((100 * value) / kernelMilliseconds).toFixed(1)} %`;
  const large = operators.filter((one) => one.milliseconds >= SMALLEST_SHARE * kernelMilliseconds);
  const small = operators.slice(large.length);
  const rest = {
    operator: `${small.length} more`,
    count: small.reduce((sum, { count }) => sum + count, 0),
    milliseconds: small.reduce((sum, one) => sum + one.milliseconds, 0),
  };
  const rows = [...large, ...(small.length > 0 ? [rest] : [])].map((one) => [
    one.operator,
    one.count.toFixed(0),
    milliseconds(one.milliseconds),
    share(one.milliseconds),
  ]);
  return table([['operator', 'kernels', 'ms', 'share'], ...rows]);
}

const total = ({ milliseconds: times }: LayerTime): number =>
  phases.reduce((sum, phase) => sum + times[phase], 0);

function layerTable({ layers, kernelMilliseconds }: StepProfile): string {
  const isLarge = (layer: LayerTime): boolean => total(layer) >= SMALLEST_SHARE * kernelMilliseconds;
  const large = layers.filter(isLarge);
  const small = layers.filter((layer) => !isLarge(layer));
  const sum = (name: string, parts: readonly LayerTime[]): LayerTime => ({
    layer: name,
    milliseconds: Object.fromEntries(
      phases.map((phase) => [phase, parts.reduce((all, part) => all + part.milliseconds[phase], 0)]),
    ) as LayerTime['milliseconds'],
  });
  const rows = [
    ...large,
    ...(small.length > 0 ? [sum(`${small.length} more`, small)] : []),
    sum('all', layers),
  ].map((layer) => [
    layer.layer,
    ...phases.map((phase) => milliseconds(layer.milliseconds[phase])),
    milliseconds(total(layer)),
    `${((100 * total(layer)) / kernelMilliseconds).toFixed(1)} %`,
  ]);
  return table([['layer', 'forward', 'gradient', 'TrAct', 'update', 'ms', 'share'], ...rows]);
}
