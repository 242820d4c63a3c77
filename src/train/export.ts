/** A trained model as an `.onnx` file for inference. */
import { portable } from '../engine/lowering/portable.js';
import { anyBatch } from '../graph/any-batch.js';
import type { Graph } from '../graph/graph.js';
import { rewrite } from '../graph/rewrite.js';
import { toOnnx } from '../graph/serialize.js';
import type { Model } from '../nn/model.js';
import { tensor } from '../tensor/tensor.js';
import type { LearnedState } from './evaluator.js';
import { type PictureResizing, resizingPrelude } from './resizing.js';
import { checkState } from './state.js';
import { inferenceGraph, inferenceName, modelTensors } from './step-graph.js';

/** What an exported model is told. */
export interface ExportOptions {
  /** Images at once. Default: any number of them; the dimension is open, and named `N`. */
  readonly batchSize?: number;
  /** Stored in the metadata, in the order of the logits. */
  readonly classNames?: readonly string[];
}

/** What a model that takes pixels is told. */
export interface PixelsExportOptions extends ExportOptions {
  /**
   * Take pictures of any height and width, those of a batch alike: scaled to cover `cover`, and their middle of the
   * model's size cut out. Default: images of the model's size.
   */
  readonly resizing?: PictureResizing;
}

/**
 * A trained model as the bytes of an `.onnx` file of standard operators: `images` uint8 [N, C, H, W] in, `logits`
 * float32 [N, classes] out. Weights and running statistics are initializers under PyTorch's names, and so are
 * `standardize/mean` and `standardize/deviation`, by which pixels scaled to [0, 1] are standardised inside. With
 * `resizing`, `images` are decoded pictures of any height and width, uint8 [N, C, height, width].
 *
 * The metadata holds `model`, and as JSON `class_names`, `mean` and `deviation`, and `resizing` with the name of the value
 * that holds what pictures were scaled to.
 *
 * @throws OptionError where `cover` does not cover the model's images
 * @throws StateError naming the first weight that does not fit the model
 * @throws GraphError where a model of one's own is another for each number of images, and no `batchSize` is given
 */
export function exportOnnx(
  model: Model,
  learned: LearnedState,
  options: PixelsExportOptions = {},
): Uint8Array {
  const { batchSize, classNames, resizing } = options;
  const { weights, standardization } = learned;
  checkState(modelTensors(model), weights);
  const build = (images: number): Graph => rewrite(inferenceGraph(model, images).graph, portable);
  const { graph, dimensions } =
    batchSize === undefined ? anyBatch(build) : { graph: build(batchSize), dimensions: undefined };
  const { mean, deviation } = standardization;
  const prelude = resizing && resizingPrelude('images', [batchSize ?? 'N', ...model.imageShape], resizing);
  return toOnnx(graph, {
    name: model.name,
    initializers: {
      ...Object.fromEntries(Object.entries(weights).map(([name, value]) => [inferenceName(name), value])),
      'standardize/mean': tensor('float32', [mean.length], mean),
      'standardize/deviation': tensor('float32', [deviation.length], deviation),
    },
    ...(dimensions && { dimensions }),
    ...(prelude && { prelude }),
    metadata: {
      model: model.name,
      ...(classNames && { class_names: JSON.stringify(classNames) }),
      mean: JSON.stringify(mean),
      deviation: JSON.stringify(deviation),
      ...(prelude && { resizing: JSON.stringify({ ...resizing, images: prelude.result }) }),
    },
  });
}
