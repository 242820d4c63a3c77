/** A trained model that came out of a file, as a file like it. */
import { portable } from '../engine/lowering/portable.js';
import { anyBatch } from '../graph/any-batch.js';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { rewrite } from '../graph/rewrite.js';
import { toOnnx } from '../graph/serialize.js';
import type { FileModel } from '../models/file-model-options.js';
import { trace } from '../nn/model.js';
import { tensor, transposedMatrix } from '../tensor/tensor.js';
import type { LearnedState } from './evaluator.js';
import type { ExportOptions } from './export.js';
import { checkState } from './state.js';
import { modelTensors, standardize } from './step-graph.js';

/**
 * A model out of a file with what it has learned, as the bytes of an `.onnx` file: input and output have the names,
 * layout and meaning that they have in the file it came from, a softmax at the end included, and weights and running
 * statistics their names and shapes. Any number of images may be given. Images are to be standardised by whoever runs it,
 * unless the file took bytes: then so does this one.
 *
 * The metadata holds `model`, and as JSON `class_names`, `mean` and `deviation`, the standardisation in training.
 *
 * @throws StateError naming the first weight that does not fit the model
 * @throws GraphError where the model is another for each number of images, and no `batchSize` is given
 */
export function exportFileModel(
  model: FileModel,
  learned: LearnedState,
  options: ExportOptions = {},
): Uint8Array {
  const { batchSize, classNames } = options;
  const { weights, standardization } = learned;
  checkState(modelTensors(model), weights);
  const { input, output, layout, activation, inFile } = model.file;
  const [channels, height, width] = model.imageShape;
  const build = (images: number): Graph => {
    const graph = new Graph([output.name]);
    const channelsLast = layout === 'NHWC';
    const shape = channelsLast ? [images, height, width, channels] : [images, channels, height, width];
    const bytes = input.dtype === 'uint8';
    const given = graph.input(input.name, bytes ? 'uint8' : 'float32', shape);
    const pixels = channelsLast ? op.transpose(given, [0, 3, 1, 2]) : given;
    const [mean, deviation] = [standardization.mean, standardization.deviation].map((values) =>
      graph.constant(tensor('float32', [values.length], values)),
    );
    const { logits } = trace(model, bytes ? standardize(pixels, mean, deviation) : pixels, {
      training: false,
      weights(name, type) {
        const { name: own, transposed } = inFile.get(name) ?? { name, transposed: false };
        if (!transposed) return graph.input(own, 'float32', type);
        return op.transpose(graph.input(own, 'float32', [...type].reverse()), [1, 0]);
      },
    });
    const ending = { Softmax: op.softmax, LogSoftmax: op.logSoftmax };
    const result = activation ? ending[activation](logits, 1) : logits;
    // Some classifiers keep an image of one pixel.
    const more = Math.max((output.shape?.length ?? 2) - 2, 0);
    graph.output(
      output.name,
      more === 0 ? result : op.reshape(result, [...result.shape, ...Array<number>(more).fill(1)]),
    );
    return rewrite(graph, portable);
  };
  const { graph, dimensions } =
    batchSize === undefined ? anyBatch(build) : { graph: build(batchSize), dimensions: undefined };
  return toOnnx(graph, {
    name: model.name,
    initializers: Object.fromEntries(
      Object.entries(weights).map(([name, value]) => {
        const { name: own, transposed } = inFile.get(name) ?? { name, transposed: false };
        return [own, transposed ? transposedMatrix(value) : value];
      }),
    ),
    ...(dimensions && { dimensions }),
    metadata: {
      model: model.name,
      ...(classNames && { class_names: JSON.stringify(classNames) }),
      mean: JSON.stringify(standardization.mean),
      deviation: JSON.stringify(standardization.deviation),
    },
  });
}
