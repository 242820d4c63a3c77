/** Operators that give something else each time: two nodes alike are two draws, and must not become one. */
import type { Tensor } from '../tensor/tensor.js';
import { MICROSOFT_DOMAIN, TRACT_DOMAIN } from './domains.js';

/** ONNX's. Dropout is one more, in training. */
const random = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
]);

/**
 * Whether a node draws random numbers, or may: nothing is known of the operators of other domains than ONNX's, ONNX
 * Runtime's and this project's.
 *
 * @param inputs the node's, with their elements where they are constant; null where one was left out
 */
export function isRandom(
  opType: string,
  inputs: readonly ({ readonly constant?: Tensor } | null)[],
  domain: string,
): boolean {
  if (domain === TRACT_DOMAIN) return false;
  // Of ONNX Runtime's own only the variants of Dropout draw: BiasDropout, BitmaskDropout, BitmaskBiasDropout.
  if (domain.startsWith(MICROSOFT_DOMAIN)) return opType.endsWith('Dropout');
  if (domain !== '' && domain !== 'ai.onnx') return true;
  return random.has(opType) || (opType === 'Dropout' && !isInference(inputs[2]));
}

/** Dropout's third input says whether it trains: left out or false, nothing is dropped. */
function isInference(training: { readonly constant?: Tensor } | null | undefined): boolean {
  return !training || (training.constant !== undefined && Number(training.constant.data[0]) === 0);
}
