/** What a model is, and how its graph is traced. */
import { Graph, GraphError, type Value, describe } from '../graph/graph.js';
import { type Tensor, formatShape, sameShape } from '../tensor/tensor.js';
import type { Lambda } from '../tract/lambda.js';
import { Scope, type Buffer, type Parameter } from './scope.js';

/** A value that survives JSON. */
export type ConfigValue = string | number | boolean;

/** TrAct's setting on a model: which layer, and how strongly its Gram matrix is regularised. */
export interface TractSetting {
  /** The layer's path, such as `conv1`. */
  readonly layer: string;
  readonly lambda: Lambda;
}

/** A vision model: a description that builds its forward graph. It holds no weights; a trainer does. */
export interface Model {
  /** The name it is made by, such as `resnet18`. */
  readonly name: string;
  /** The options it was made with, complete: `createModel(name, config)` makes the same model. */
  readonly config: Readonly<Record<string, ConfigValue>>;
  /** [channels, height, width] of the images it takes. */
  readonly imageShape: readonly [number, number, number];
  readonly classes: number;
  /** Set by `tract(model)`; without it the first layer trains like any other. */
  tract?: TractSetting;
  /**
   * Buffers that are computed from training images before the first step, and stay as they are from then on.
   *
   * @param images float32 [N, channels, height, width], as `forward` gets them
   * @returns the buffers by their names
   */
  readonly fixedBuffers?: (images: Tensor<'float32'>) => Readonly<Record<string, Tensor<'float32'>>>;
  /**
   * Builds the forward graph.
   *
   * @param images float32 [N, channels, height, width], standardised
   * @returns logits [N, classes]
   */
  forward(scope: Scope, images: Value): Value;
}

export interface TracedModel {
  readonly graph: Graph;
  readonly logits: Value;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly buffers: ReadonlyMap<string, Buffer>;
}

/**
 * Adds a model's forward pass to the graph that its images are in.
 *
 * @param weights the value of each parameter and buffer by its name; default: graph inputs of these names
 * @throws GraphError when what the forward pass gives are not float32 logits of the model's classes
 */
export function trace(
  model: Model,
  images: Value,
  training: boolean,
  weights?: (name: string) => Value,
): TracedModel {
  const scope = Scope.root(images.graph, training, weights);
  const logits = model.forward(scope, images);
  const wanted = [images.shape[0], model.classes];
  if (logits.dtype !== 'float32' || !sameShape(logits.shape, wanted)) {
    throw new GraphError(
      `${model.name}: its forward pass gives ${describe(logits)}, but logits of ${model.classes} classes are float32 ${formatShape(wanted)}`,
    );
  }
  return { graph: images.graph, logits, parameters: scope.parameters, buffers: scope.buffers };
}

/** The forward graph alone, of a batch of `batchSize` float32 images named `images`. */
export function traceAlone(
  model: Model,
  batchSize: number,
  training: boolean,
): TracedModel & { images: Value } {
  const images = new Graph().input('images', 'float32', [batchSize, ...model.imageShape]);
  return { images, ...trace(model, images, training) };
}
