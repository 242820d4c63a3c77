/** A trained model that came out of a file, as a file like it. */
import { portable } from '../engine/lowering/portable.js';
import { type Dimension, anyBatch } from '../graph/any-batch.js';
import { Graph, GraphError, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { GivenName } from '../graph/import/foreign-values.js';
import { WEIGHT_NAMES, namesText } from '../graph/import/weight-names.js';
import { rewrite } from '../graph/rewrite.js';
import { toOnnx } from '../graph/serialize.js';
import type { FileModel } from '../models/file-model-options.js';
import { trace } from '../nn/model.js';
import { Scope } from '../nn/scope.js';
import { type Tensor, tensor, transposedMatrix } from '../tensor/tensor.js';
import type { LearnedState } from './evaluator.js';
import type { PixelsExportOptions } from './export.js';
import { initialWeights } from './initial-state.js';
import { resizingPrelude } from './resizing.js';
import { checkState } from './state.js';
import { modelTensors, standardize } from './step-graph.js';

/** What a file is given back with. */
export interface FileExportOptions extends PixelsExportOptions {
  /** Is told which outputs of the file cannot be given back, and why. */
  readonly leftOut?: (output: string, reason: string) => void;
}

/**
 * A model out of a file with what it has learned, as the bytes of an `.onnx` file: input and outputs have the names, element
 * types, layout and meaning that they have in the file it came from, a softmax at the end included, and weights and running
 * statistics their names and shapes. Any number of images may be given. Images are to be standardised by whoever runs it,
 * unless the file took bytes: then so does this one. With `resizing` it takes decoded pictures of any height and width, uint8
 * in the layout of the file's input.
 *
 * Outputs beside the trained one are computed as in the file, with weights of their own as they were; one that cannot be
 * computed of any number of images is left out.
 *
 * The metadata holds `model`, and as JSON `class_names`, `mean` and `deviation`, the standardisation in training, and
 * `resizing` with the name of the value that holds what pictures were scaled to.
 *
 * @throws OptionError where `cover` does not cover the model's images
 * @throws StateError naming the first weight that does not fit the model
 * @throws GraphError where the model is another for each number of images, and no `batchSize` is given
 */
export function exportFileModel(
  model: FileModel,
  learned: LearnedState,
  options: FileExportOptions = {},
): Uint8Array {
  return fileExport(model, learned, options).bytes;
}

/** An output of a file that was written. */
export interface FileOutput {
  readonly name: string;
  readonly shape: readonly Dimension[];
}

/** The same, with the outputs that are in it. */
export function fileExport(
  model: FileModel,
  learned: LearnedState,
  options: FileExportOptions,
): { readonly bytes: Uint8Array; readonly outputs: readonly FileOutput[] } {
  checkState(modelTensors(model), learned.weights);
  const { leftOut = () => undefined } = options;
  const { output, outputs } = model.file;
  const others = outputs.map(({ name }) => name).filter((name) => name !== output.name);
  try {
    return written(model, learned, options, others);
  } catch (error) {
    if (!(error instanceof GraphError) || others.length === 0) throw error;
  }
  const possible = others.filter((name) => {
    try {
      written(model, learned, options, [name]);
      return true;
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      leftOut(name, error.message);
      return false;
    }
  });
  return written(model, learned, options, possible);
}

/** The file with the trained output and some others. */
function written(
  model: FileModel,
  { weights, standardization }: LearnedState,
  { batchSize, classNames, resizing }: FileExportOptions,
  others: readonly string[],
): { readonly bytes: Uint8Array; readonly outputs: readonly FileOutput[] } {
  const { input, output, outputs, layout, elementTypes, readOutputs, inFile } = model.file;
  const ownName = (name: string): GivenName => inFile.get(name) ?? { name, transposed: false };
  const [channels, height, width] = model.imageShape;
  const channelsLast = layout === 'NHWC';
  const addOthers = others.length > 0 ? readOutputs(others) : undefined;
  /** Weights that the trained output does not depend on. */
  const further: Record<string, Tensor> = {};
  const build = (images: number): Graph => {
    const graph = new Graph(outputs.map(({ name }) => name));
    const bytes = input.dtype === 'uint8' || resizing !== undefined;
    const shape =
      channelsLast && !resizing ? [images, height, width, channels] : [images, channels, height, width];
    const given = graph.input(input.name, bytes ? 'uint8' : 'float32', shape);
    const pixels = channelsLast && !resizing ? op.transpose(given, [0, 3, 1, 2]) : given;
    const [mean, deviation] = [standardization.mean, standardization.deviation].map((values) =>
      graph.constant(tensor('float32', [values.length], values)),
    );
    const seen = bytes ? standardize(pixels, mean, deviation) : pixels;
    const known = new Map<string, Value>();
    const weight = (name: string, type: readonly number[]): Value => {
      const value = known.get(name) ?? weightIn(graph, ownName(name), type);
      known.set(name, value);
      return value;
    };
    const { logits } = trace(model, seen, { training: false, weights: weight });
    const found = new Map<string, Value>([[output.name, ending(model, logits)]]);
    if (addOthers) {
      const scope = Scope.root(graph, { training: false, weights: weight });
      for (const [name, value] of addOthers(scope, seen)) found.set(name, value);
      for (const [name, value] of Object.entries(initialWeights(scope, 0)))
        if (!Object.hasOwn(weights, name)) further[name] = value;
    }
    for (const { name } of outputs) if (found.has(name)) graph.output(name, found.get(name)!);
    return rewrite(graph, portable);
  };
  const { graph, dimensions } =
    batchSize === undefined
      ? anyBatch(build)
      : { graph: build(batchSize), dimensions: ({ shape }: Value): readonly Dimension[] => shape };
  const size = [batchSize ?? 'N', ...model.imageShape] as const;
  const prelude = resizing && resizingPrelude(input.name, size, resizing, channelsLast);
  const { mean, deviation } = standardization;
  const bytes = toOnnx(graph, {
    name: model.name,
    initializers: Object.fromEntries(
      Object.entries({ ...further, ...weights }).map(([name, value]) => {
        const { name: own, transposed } = ownName(name);
        return [own, transposed ? transposedMatrix(value) : value];
      }),
    ),
    dimensions,
    elementTypes,
    ...(prelude && { prelude }),
    metadata: {
      model: model.name,
      ...(classNames && { class_names: JSON.stringify(classNames) }),
      mean: JSON.stringify(mean),
      deviation: JSON.stringify(deviation),
      ...(inFile.size > 0 && {
        [WEIGHT_NAMES]: namesText(
          new Map([...inFile].map(([name, { name: own, transposed }]) => [own, { name, transposed }])),
        ),
      }),
      ...(prelude && { resizing: JSON.stringify({ ...resizing, images: prelude.result }) }),
    },
  });
  return {
    bytes,
    outputs: [...graph.outputs].map(([name, value]) => ({ name, shape: dimensions(value) })),
  };
}

/** A weight under its name in the file, and turned round where it lies the other way there. */
function weightIn(graph: Graph, { name, transposed }: GivenName, shape: readonly number[]): Value {
  if (!transposed) return graph.input(name, 'float32', shape);
  return op.transpose(graph.input(name, 'float32', shape.toReversed()), [1, 0]);
}

/** The trained output as the file has it, of the logits. */
function ending({ file: { activation, output } }: FileModel, logits: Value): Value {
  const activations = { Softmax: op.softmax, LogSoftmax: op.logSoftmax, Sigmoid: op.sigmoid };
  const result = activation ? activations[activation](logits, 1) : logits;
  // Some classifiers keep an image of one pixel.
  const more = Math.max((output.shape?.length ?? 2) - 2, 0);
  return more === 0 ? result : op.reshape(result, [...result.shape, ...Array<number>(more).fill(1)]);
}
