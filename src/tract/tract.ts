/** The user's one line: `tract(model)`. */
import { type Model, traceAlone } from '../nn/model.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { firstLayer, namedLayer } from './first-layer.js';
import { DEFAULT_LAMBDA, type Lambda, checkLambda } from './lambda.js';
import { type TractOverTime, overTimeOf } from './over-time.js';
import { gramShapeOf, tractTransform } from './transform.js';

/** How strongly TrAct works, and on which layers. */
export interface TractOptions extends TractOverTime {
  /**
   * How strongly the Gram matrix is regularised; finite and positive. Default 0.1, for standardised inputs;
   * `{ relative: 0.1 }` for inputs of any scale.
   */
  readonly lambda?: Lambda;
  /** The path of the layer, such as `conv1`, or of several. Default: the one layer that the image reaches first. */
  readonly layer?: string | readonly string[];
}

/**
 * What trains a model's first layer by TrAct. The model, its weights and what it computes stay the same; only the
 * gradient of that layer's weights is another one. TrAct comes before all other gradient transforms.
 *
 * @returns the model with the transform, for `Trainer.create` and whatever else takes a model to train; the argument
 *   stays as it was
 * @throws OptionError for a λ that is not finite and positive, or another value out of range
 * @throws FirstLayerError where no single first layer is found; the message names the layers there are
 */
export function tract(
  given: Model | Trainable,
  { lambda = DEFAULT_LAMBDA, layer, ...overTime }: TractOptions = {},
): Trainable {
  checkLambda(lambda);
  const { model, transforms } = trainable(given);
  const { images, graph, parameters } = traceAlone(model, 1, true);
  const found =
    layer === undefined
      ? [firstLayer(images, graph.nodes, parameters)]
      : [layer].flat().map((name) => namedLayer(name, graph.nodes, parameters));
  const own = tractTransform(
    found.map((one) => one.weightName),
    lambda,
    overTimeOf(overTime),
    Object.fromEntries(found.map(({ weightName, node }) => [weightName, gramShapeOf(node)])),
  );
  const isTract = ({ name }: { readonly name: string }): boolean => name === own.name;
  return {
    model,
    transforms: [...transforms.filter(isTract), own, ...transforms.filter((one) => !isTract(one))],
  };
}

/** What TrAct does in a chain of transforms. */
export interface TractInChain extends TractOverTime {
  readonly weights: readonly string[];
  readonly lambda: Lambda;
}

/** What TrAct does in a chain of transforms. Undefined without it. */
export function tractSetting(given: Model | Trainable): TractInChain | undefined {
  const config = trainable(given).transforms.find(({ name }) => name === 'tract')?.config;
  return (
    config && {
      weights: config.weights as string[],
      lambda: config.lambda as Lambda,
      ...overTimeOf(config),
    }
  );
}
