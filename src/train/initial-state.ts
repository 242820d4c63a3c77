/** What a run begins with. */
import type { Initializer } from '../nn/init.js';
import type { TracedModel } from '../nn/model.js';
import { type GradientTransform } from '../optim/transform.js';
import { Random } from '../random/random.js';
import { type Shape, type Tensor, elementCount, tensor, zeros } from '../tensor/tensor.js';
import { type TrainingGraph, emaName, slotName } from './training-graph.js';

/** The parameters and buffers of a model, drawn at random; those that images decide on are zeros. */
export function initialWeights(
  { parameters, buffers }: Pick<TracedModel, 'parameters' | 'buffers'>,
  seed: number,
): Record<string, Tensor> {
  const weights: Record<string, Tensor> = {};
  for (const [name, { value, initializer }] of [...parameters, ...buffers]) {
    // A stream for each parameter: adding one to a model changes no other's initial values.
    const random = Random.fromSeed(seed, `init/${name}`);
    weights[name] =
      typeof initializer === 'function'
        ? initialTensor(name, value.shape, initializer(value.shape, random))
        : zeros('float32', value.shape);
  }
  return weights;
}

/** Whether images decide on some of a model's parameters or buffers. */
export function needsImages(traced: Pick<TracedModel, 'parameters' | 'buffers'>): boolean {
  return imageInitializers(traced).length > 0;
}

/**
 * The parameters and buffers that images decide on.
 *
 * @param images float32 [N, C, H, W], standardised
 */
export function weightsFromImages(
  traced: Pick<TracedModel, 'parameters' | 'buffers'>,
  images: Tensor<'float32'>,
): Record<string, Tensor> {
  return Object.fromEntries(
    imageInitializers(traced).map(([name, shape, fromImages]) => [
      name,
      initialTensor(name, shape, fromImages(images)),
    ]),
  );
}

type FromImages = Exclude<Initializer, (...parameters: never) => unknown>['fromImages'];

function imageInitializers({
  parameters,
  buffers,
}: Pick<TracedModel, 'parameters' | 'buffers'>): [string, Shape, FromImages][] {
  return [...parameters, ...buffers].flatMap(([name, { value, initializer }]) =>
    typeof initializer === 'function' ? [] : [[name, value.shape, initializer.fromImages]],
  );
}

/** @throws RangeError where an initializer gives another number of elements */
function initialTensor(name: string, shape: Shape, data: Float32Array): Tensor<'float32'> {
  if (data.length === elementCount(shape)) return tensor('float32', shape, data);
  throw new RangeError(
    `the initializer of "${name}" gives ${data.length} elements where its shape [${shape.join(', ')}] has ${elementCount(shape)}`,
  );
}

/** What of the state begins as a copy of weights: slow weights of an optimizer, and the means of weights. */
export function initialCopies(
  { parameters, assignments, averaged }: TrainingGraph,
  weights: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const copies: Record<string, Tensor> = {};
  for (const name of parameters.keys()) {
    const { trainable, optimizer } = assignments.get(name)!;
    if (!trainable || !Object.hasOwn(weights, name)) continue;
    for (const slot of optimizer.slots)
      if (slot.initial === 'parameter') copies[slotName(name, slot.name)] = weights[name];
  }
  for (const name of averaged) if (Object.hasOwn(weights, name)) copies[emaName(name)] = weights[name];
  return copies;
}

/** The state of optimizers and transforms, and the means of weights. */
export function initialSlots(
  graph: TrainingGraph,
  transforms: readonly GradientTransform[],
  weights: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const { parameters, assignments } = graph;
  const slots: Record<string, Tensor> = {};
  const shapes = new Map<string, Shape>();
  for (const [name, { value }] of parameters) {
    const { trainable, optimizer } = assignments.get(name)!;
    if (!trainable) continue;
    shapes.set(name, value.shape);
    for (const slot of optimizer.slots) {
      slots[slotName(name, slot.name)] = zeros('float32', value.shape);
    }
  }
  for (const { name, state } of transforms) {
    for (const [own, shape] of Object.entries(state?.(shapes) ?? {}))
      slots[`${name}/${own}`] = zeros('float32', shape);
  }
  return { ...slots, ...initialCopies(graph, weights) };
}
