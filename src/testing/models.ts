/** Models made up for tests. */
import type { Value } from '../graph/graph.js';
import type { Model } from '../nn/model.js';
import type { Scope } from '../nn/scope.js';

/** A model of 8x8 images with two channels whose forward pass is the given function. */
export function customModel(forward: (scope: Scope, images: Value) => Value): Model {
  return { name: 'custom', config: {}, imageShape: [2, 8, 8], classes: 3, forward };
}
