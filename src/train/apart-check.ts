/**
 * Whether the images of a batch stay apart in a model out of a file for a fixed number of them. Where such a file reshapes,
 * which length is that number may not be told (`graph/import/batch-size.ts`), so what was made of it is tried.
 */
import { compile } from '../engine/compile.js';
import { peakBytes } from '../engine/step-memory.js';
import { Graph, GraphError } from '../graph/graph.js';
import { stateName } from '../graph/state-names.js';
import type { FileModel } from '../models/file-model-options.js';
import { type TracedModel, trace } from '../nn/model.js';
import { Random } from '../random/random.js';
import { counted } from '../tensor/counted.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { initialWeights } from './initial-state.js';

/** Files for more images at once are not tried with as many. */
const MOST_IMAGES = 8;
/** Memory that a try may take: a small file may claim to be for large images. */
const MOST_BYTES = 4e9;
/** How far apart outputs may be, as a share of the largest one: rounding differs with the number of images. */
const TOLERANCE = 1e-3;

/**
 * Compares what a model gives for several images at once with what it gives for each of them.
 *
 * @throws GraphError where that is not the same
 */
export async function checkImagesApart(model: FileModel): Promise<void> {
  const { batchSize, input } = model.file;
  if (batchSize === undefined) return;
  const difference = await findDifference(model, batchSize);
  if (difference === undefined) return;
  throw new GraphError(
    `it was made for ${counted(batchSize, 'image')} at once, and which lengths in it are that number cannot be told (${difference}); export it with an open batch size (in PyTorch: dynamic_axes={'${input.name}': {0: 'batch'}}, or dynamic_shapes with dynamo=True)`,
  );
}

/** What is wrong with the model for other numbers of images; undefined where nothing is. */
async function findDifference(model: FileModel, batchSize: number): Promise<string | undefined> {
  const counts = [...new Set([3, ...(batchSize > 1 && batchSize <= MOST_IMAGES ? [batchSize] : [])])];
  const most = Math.max(...counts);
  try {
    const bytes = peakBytes(inference(model, most).graph);
    if (bytes > MOST_BYTES) return `to try it with ${most} images takes ${Math.ceil(bytes / 1e9)} GB`;
    const images = Array.from({ length: most }, (_, i) => image(model, i));
    const apart = await logits(model, images, 1);
    const sizes = apart.flatMap((one) => Array.from(one, Math.abs)).filter(Number.isFinite);
    const tolerance = TOLERANCE * Math.max(...sizes);
    for (const count of counts) {
      const [together] = await logits(model, [joined(images.slice(0, count))], count);
      const wanted = joined(apart.slice(0, count));
      // Numbers that are none tell nothing, unless only one of both has them.
      if (wanted.some((logit, i) => Number.isFinite(logit) && !(Math.abs(logit - together[i]) <= tolerance)))
        return `of ${count} images it makes other things than of each`;
    }
    return undefined;
  } catch (error) {
    // It was read for its own number of images before.
    if (error instanceof GraphError) return error.message;
    throw error;
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, i) => {
    result.set(part, i * part.length);
  });
  return result;
}

/** An image of its own brightness and contrast, so that outputs differ. */
function image({ imageShape }: FileModel, index: number): Float32Array {
  const random = Random.fromSeed(0, `image ${index}`);
  return Float32Array.from({ length: elementCount(imageShape) }, () =>
    random.normal((index % 3) - 1, 0.5 + (index % 2)),
  );
}

function inference(model: FileModel, count: number): TracedModel {
  const graph = new Graph();
  const x = graph.input('images', 'float32', [count, ...model.imageShape]);
  const traced = trace(model, x, { training: false });
  graph.output('logits', traced.logits);
  return traced;
}

/** The logits of batches. */
async function logits(
  model: FileModel,
  batches: readonly Float32Array[],
  count: number,
): Promise<Float32Array[]> {
  const traced = inference(model, count);
  const state = Object.fromEntries(
    Object.entries(initialWeights(traced, 0)).map(([name, value]): [string, Tensor] => [
      stateName(name),
      value,
    ]),
  );
  const program = await compile(traced.graph);
  try {
    const results: Float32Array[] = [];
    for (const batch of batches) {
      const images = tensor('float32', traced.images.shape, batch);
      const found = await program.run({ ...state, images });
      results.push(found.logits.data as Float32Array);
    }
    return results;
  } finally {
    await program.release();
  }
}
