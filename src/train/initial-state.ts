/** What a run begins with. */
import type { TracedModel } from '../nn/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor, zeros } from '../tensor/tensor.js';
import { slotName } from './step-graph.js';

/** The parameters, drawn at random, and the running statistics of a model. */
export function initialWeights({ parameters, buffers }: TracedModel, seed: number): Record<string, Tensor> {
  const weights: Record<string, Tensor> = {};
  for (const [name, { value, initializer }] of parameters) {
    // A stream for each parameter: adding one to a model changes no other's initial values.
    weights[name] = tensor(
      'float32',
      value.shape,
      initializer(value.shape, Random.fromSeed(seed, `init/${name}`)),
    );
  }
  for (const [name, { value, fill }] of buffers) {
    weights[name] = tensor('float32', value.shape, new Float32Array(elementCount(value.shape)).fill(fill));
  }
  return weights;
}

/** The optimizer's state, all zero. */
export function initialSlots({ parameters }: TracedModel, optimizer: Optimizer): Record<string, Tensor> {
  const slots: Record<string, Tensor> = {};
  for (const [name, { value }] of parameters) {
    for (const slot of optimizer.slots) slots[slotName(name, slot)] = zeros('float32', value.shape);
  }
  return slots;
}
