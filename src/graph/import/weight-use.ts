/** Which float initializers of a file are trained, and what they are to their layers. */
import type { Tensor } from '../../tensor/tensor.js';
import type { NodeProto } from '../onnx_pb.js';
import { plainDomain } from './foreign-model.js';
import type { Known, OperatorNode } from './known.js';

/** What an initializer is to the operator that uses it. */
export type WeightUse = 'weight' | 'bias' | 'norm' | 'embedding';

/** Whether an initializer of a file may be trained, as far as it itself tells. */
export function isTrainable(name: string, { dtype, shape, data }: Tensor): boolean {
  if (dtype !== 'float32' || data.length === 0) return false;
  // Numbers that exporters keep beside weights have names of no module.
  if (shape.length === 0 && !name.includes('.')) return false;
  return !isMask(data as Float32Array);
}

/** Zeros, and numbers so low that a softmax makes nothing of what they are added to. */
function isMask(data: Float32Array): boolean {
  return data.length > 1 && data.some((x) => x <= -100) && data.every((x) => x === 0 || x <= -100);
}

/** Inputs that are no weights, whatever they hold: bounds, fillings, scales of an image. */
const settings: ReadonlyMap<string, readonly number[]> = new Map([
  ['Clip', [1, 2]],
  ['Pad', [2]],
  ['Resize', [1, 2]],
  ['OneHot', [2]],
  ['BatchNormalization', [3, 4]],
]);

const elementwise = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Mod']);

/** Whether an initializer is a constant where it is used. */
export function neverTrained(
  { opType }: OperatorNode,
  index: number,
  { name, tensor }: Extract<Known, { kind: 'weight' }>,
): boolean {
  if (settings.get(opType)?.includes(index)) return true;
  return tensor.data.length === 1 && elementwise.has(opType) && !name.includes('.');
}

const normalizations = new Set([
  'BatchNormalization',
  'LayerNormalization',
  'InstanceNormalization',
  'GroupNormalization',
  'RMSNormalization',
]);

/** What an initializer is to the operator that uses it first. */
export function useOf(
  { opType }: OperatorNode,
  index: number,
  { tensor: { shape } }: Extract<Known, { kind: 'weight' }>,
): WeightUse {
  if (normalizations.has(opType)) return 'norm';
  if (['Conv', 'ConvTranspose', 'Gemm'].includes(opType)) return index === 2 ? 'bias' : 'weight';
  if (opType === 'Add' || opType === 'Sub') return shape.length === 1 ? 'bias' : 'embedding';
  return ['Gather', 'Concat', 'Expand'].includes(opType) ? 'embedding' : 'weight';
}

/** Names that nodes take, by themselves or under an alias, as something else than running statistics. */
export function usedElsewhere(nodes: readonly NodeProto[]): Set<string> {
  const aliases = new Map<string, string>();
  const found = new Set<string>();
  for (const { domain, opType, input, output } of nodes) {
    if (plainDomain(domain) !== '') continue;
    if (opType === 'Identity') {
      aliases.set(output[0], aliases.get(input[0]) ?? input[0]);
      continue;
    }
    for (const name of opType === 'BatchNormalization' ? input.slice(0, 3) : input)
      found.add(aliases.get(name) ?? name);
  }
  return found;
}
