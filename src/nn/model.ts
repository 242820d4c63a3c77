/** What a model is, and how its graph is traced. */
import { Graph, GraphError, type Value, describe } from '../graph/graph.js';
import { OptionError } from '../tensor/option-error.js';
import { formatShape, sameShape } from '../tensor/tensor.js';
import { Scope, type Buffer, type Parameter, type ScopeOptions } from './scope.js';

/** A value that survives JSON. */
export type ConfigValue = string | number | boolean;

/** A vision model: a description that builds its forward graph. It holds no weights; a trainer does. */
export interface Model {
  /** The name it is made by, such as `resnet18`. */
  readonly name: string;
  /** The options it was made with, complete: `createModel(name, config)` makes the same model. */
  readonly config: Readonly<Record<string, ConfigValue>>;
  /** [channels, height, width] of the images it takes. */
  readonly imageShape: readonly [number, number, number];
  readonly classes: number;
  /**
   * Builds the forward graph.
   *
   * @param images float32 [N, channels, height, width], standardised
   * @returns logits [N, classes]
   */
  forward(scope: Scope, images: Value): Value;
}

/** What a model is beside its forward pass. */
export interface ModelDescription {
  /** Kept in checkpoints and shown to people. Default "model". */
  readonly name?: string;
  /** Kept in checkpoints, so that `forward` can be made again from it. Default none. */
  readonly config?: Readonly<Record<string, ConfigValue>>;
  /** [channels, height, width] of the images it takes. */
  readonly imageShape: readonly [number, number, number];
  readonly classes: number;
}

/**
 * A model of one's own. It trains, saves, exports and compares like a built-in one; only restoring needs it again,
 * because a file holds no functions.
 *
 * @param forward declares its parameters in the scope, and gives the logits [N, classes] of images
 *   [N, channels, height, width]
 * @throws OptionError for an image shape or a number of classes that is none
 */
export function defineModel(
  { name = 'model', config = {}, imageShape, classes }: ModelDescription,
  forward: Model['forward'],
): Model {
  const positive = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
  // JavaScript may give more dimensions, or fewer, than the type has.
  const [channels, height, width, ...more] = imageShape as readonly number[];
  if (![channels, height, width, classes].every(positive) || more.length > 0) {
    throw new OptionError(
      `${name}: imageShape must be [channels, height, width] and classes a number of classes, not [${imageShape.join(', ')}] and ${classes}`,
    );
  }
  return { name, config, imageShape, classes, forward };
}

/** The graph of a forward pass, and what the model declared in it. */
export interface TracedModel {
  readonly graph: Graph;
  /** float32 [N, channels, height, width], as `forward` got them. */
  readonly images: Value;
  readonly logits: Value;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly buffers: ReadonlyMap<string, Buffer>;
  /** Inputs that hold random numbers, by their names (see `Scope.draw`). */
  readonly draws: ReadonlyMap<string, Value>;
}

/**
 * Adds a model's forward pass to the graph that its images are in.
 *
 * @throws GraphError when what the forward pass gives are not float32 logits of the model's classes
 */
export function trace(model: Model, images: Value, options: ScopeOptions): TracedModel {
  const scope = Scope.root(images.graph, options);
  const logits = model.forward(scope, images);
  const { graph } = images;
  const wanted = [images.shape[0], model.classes];
  if (logits.dtype !== 'float32' || !sameShape(logits.shape, wanted)) {
    throw new GraphError(
      `${model.name}: its forward pass gives ${describe(logits)}, but logits of ${model.classes} classes are float32 ${formatShape(wanted)}`,
    );
  }
  const { parameters, buffers, draws } = scope;
  return { graph, images, logits, parameters, buffers, draws };
}

/** The forward graph alone, of a batch of `batchSize` float32 images named `images`. */
export function traceAlone(model: Model, batchSize: number, training: boolean): TracedModel {
  return trace(model, new Graph().input('images', 'float32', [batchSize, ...model.imageShape]), { training });
}
