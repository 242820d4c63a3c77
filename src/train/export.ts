/** A trained model as an `.onnx` file for inference. */
import { portable } from '../engine/lowering/portable.js';
import { rewrite } from '../graph/rewrite.js';
import { toOnnx } from '../graph/serialize.js';
import type { Model } from '../nn/model.js';
import type { LearnedState } from './evaluator.js';
import { checkState } from './state.js';
import { inferenceGraph, modelTensors } from './step-graph.js';

export interface ExportOptions {
  /** Images at once. Default 1. */
  readonly batchSize?: number;
  /** Stored in the metadata, in the order of the logits. */
  readonly classNames?: readonly string[];
}

/**
 * A trained model as the bytes of an `.onnx` file of standard operators: `images` uint8 [N, C, H, W] in, `logits`
 * float32 [N, classes] out, the standardisation inside.
 *
 * The metadata holds `model`, and as JSON `class_names`, and `mean` and `deviation` of pixels scaled to [0, 1].
 *
 * @throws StateError naming the first weight that does not fit the model
 */
export function exportOnnx(model: Model, learned: LearnedState, options: ExportOptions = {}): Uint8Array {
  const { batchSize = 1, classNames } = options;
  const { weights, standardization } = learned;
  checkState(modelTensors(model), weights);
  const graph = rewrite(inferenceGraph(model, batchSize, weights, standardization), portable);
  return toOnnx(graph, {
    name: model.name,
    metadata: {
      model: model.name,
      ...(classNames && { class_names: JSON.stringify(classNames) }),
      mean: JSON.stringify(standardization.mean),
      deviation: JSON.stringify(standardization.deviation),
    },
  });
}
