/** Progressive resizing (Howard, fast.ai's DAWNBench entry, 2018): smaller images early in a run, which cost less. */
import { resamplingMatrix } from '../data/resample.js';
import { Graph, GraphError, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { type Model, trace, traceAlone } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { sameShape, tensor } from '../tensor/tensor.js';

/** It takes a model's trace to check each. */
const MOST_STAGES = 16;

/** A part of a run in which images are smaller. */
export interface ResolutionStage {
  /** The shorter side of an image in pixels; below that of the model's images. */
  readonly size: number;
  /** The share of the run's steps up to which it lasts, above 0 and below 1. */
  readonly until: number;
}

/**
 * The size of images in a step; undefined for their own.
 *
 * @param step counted from 0
 * @param steps of the whole run
 */
export function sizeAt(stages: readonly ResolutionStage[], step: number, steps: number): number | undefined {
  return stages.find(({ until }) => step < until * steps)?.size;
}

/** The model with its images scaled first, in training; bilinear, averaged over the pixels that become one. */
export function atSize(model: Model, size: number): Model {
  const [, height, width] = model.imageShape;
  const short = Math.min(height, width);
  const [toHeight, toWidth] = [height, width].map((side) => Math.round((side * size) / short));
  return {
    ...model,
    forward(scope, images) {
      if (!scope.training) return model.forward(scope, images);
      const smaller = scope.child('resize').build(() => resized(images, toHeight, toWidth));
      return model.forward(scope, smaller);
    },
  };
}

/** `x` [N, C, H, W] → [N, C, height, width] */
function resized(x: Value, height: number, width: number): Value {
  const [, , fromHeight, fromWidth] = x.shape;
  const matrix = (from: number, to: number): Value =>
    x.graph.constant(tensor('float32', [to, from], resamplingMatrix(from, to)));
  const narrowed = op.matMul(x, op.matrixTranspose(matrix(fromWidth, width)));
  return op.matMul(matrix(fromHeight, height), narrowed);
}

/**
 * @throws OptionError for stages that are none, or are not in order, and for a model that takes no images of another size:
 *   one with position embeddings, or a layer over all pixels
 */
export function checkStages(stages: readonly ResolutionStage[], model: Model): void {
  const short = Math.min(model.imageShape[1], model.imageShape[2]);
  if (stages.length > MOST_STAGES)
    throw new OptionError(`progressive: there may be ${MOST_STAGES} sizes at most, not ${stages.length}`);
  let before = 0;
  for (const { size, until } of stages) {
    if (!(Number.isSafeInteger(size) && size >= 1 && size < short)) {
      throw new OptionError(
        `progressive: a size must be a whole number of pixels from 1 to ${short - 1}, below that of the model's images, not ${size}`,
      );
    }
    if (!(until > before && until < 1)) {
      throw new OptionError(
        `progressive: the share of the run that a size lasts to must be above that of the size before and below 1, not ${until}`,
      );
    }
    before = until;
    checkTakes(model, size);
  }
}

function checkTakes(model: Model, size: number): void {
  const refused = (why: string, cause?: unknown): OptionError =>
    new OptionError(`progressive: ${model.name} takes no images of ${size} pixels: ${why}`, { cause });
  const own = traceAlone(model, 1, true).parameters;
  let smaller;
  try {
    const images = new Graph().input('images', 'float32', [1, ...model.imageShape]);
    smaller = trace(atSize(model, size), images, { training: true }).parameters;
  } catch (error) {
    if (error instanceof GraphError) throw refused(error.message, error);
    throw error;
  }
  for (const [name, { value }] of smaller) {
    if (!sameShape(own.get(name)?.value.shape ?? [], value.shape))
      throw refused(`its ${name} would have another shape`);
  }
}
