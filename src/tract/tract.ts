/** The user's one line: `tract(model)`. */
import { type Model, traceAlone } from '../nn/model.js';
import { firstLayer, namedLayer } from './first-layer.js';
import { DEFAULT_LAMBDA, type Lambda, checkLambda } from './lambda.js';

export interface TractOptions {
  /**
   * How strongly the Gram matrix is regularised; finite and positive. Default 0.1, for standardised inputs;
   * `{ relative: 0.1 }` for inputs of any scale.
   */
  readonly lambda?: Lambda;
  /** The layer's path, such as `conv1`. Default: the one layer that the image reaches first. */
  readonly layer?: string;
}

/**
 * Lets a model's first layer train by TrAct. The model, its weights and what it computes stay the same; only the
 * gradient of that layer's weights is another one.
 *
 * @returns the same model
 * @throws RangeError for a λ that is not finite and positive
 * @throws FirstLayerError where no single first layer is found; the message names the layers there are
 */
export function tract<M extends Model>(model: M, { lambda = DEFAULT_LAMBDA, layer }: TractOptions = {}): M {
  checkLambda(lambda);
  const { images, graph, parameters } = traceAlone(model, 1, true);
  const found =
    layer === undefined
      ? firstLayer(images, graph.nodes, parameters)
      : namedLayer(layer, graph.nodes, parameters);
  model.tract = { layer: found.layer, lambda };
  return model;
}
