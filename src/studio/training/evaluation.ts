/** What a lane's model does with the test pictures, one by one. */
import { imageCount, imageSize } from '../../data/dataset.js';
import { labelsOf, sourceOf } from '../../data/image-source.js';
import { Classifier } from '../../train/classifier.js';
import { fromCheckpoint } from '../../train/checkpoint.js';
import type { Lane } from './lane.js';
import type { OpenData } from './open-data.js';

/** Of every test picture, in their order. */
export interface TestResult {
  readonly step: number;
  readonly accuracy: number;
  readonly loss: number;
  readonly classNames: readonly string[];
  readonly labels: Int32Array;
  /** What each was taken for. */
  readonly predicted: Int32Array;
  /** The probability of that, 0 to 1. */
  readonly probability: Float32Array;
  /** Cross entropy of each. */
  readonly losses: Float32Array;
  readonly names: readonly string[];
}

/** Pictures as a model has them: uint8 [count, 3, size, size]. */
export interface PixelRows {
  readonly size: number;
  readonly pixels: Uint8Array;
}

/** What a picture was taken for: the likeliest classes, the likeliest first. */
export type Guess = { readonly className: string; readonly probability: number };

const TOP = 5;

export async function testResult(lane: Lane, { dataset, nameOf }: OpenData): Promise<TestResult> {
  const { trainer } = lane;
  const count = imageCount(dataset.test);
  const classes = dataset.classNames.length;
  const [predicted, probability, losses] = [
    new Int32Array(count),
    new Float32Array(count),
    new Float32Array(count),
  ];
  let done = 0;
  const evaluation = await trainer.evaluateWeights(await trainer.weights(), dataset, {
    onLogits: (logits, labels) => {
      for (let row = 0; row < labels.length; row++, done++) {
        const own = logits.subarray(row * classes, (row + 1) * classes);
        let best = 0;
        for (let k = 1; k < classes; k++) if (own[k] > own[best]) best = k;
        let sum = 0;
        for (const logit of own) sum += Math.exp(logit - own[best]);
        predicted[done] = best;
        probability[done] = 1 / sum;
        losses[done] = Math.log(sum) + own[best] - own[labels[row]];
      }
    },
  });
  return {
    step: trainer.progress.step,
    accuracy: evaluation!.accuracy,
    loss: evaluation!.loss,
    classNames: dataset.classNames,
    labels: Int32Array.from(labelsOf(dataset.test)),
    ...{ predicted, probability, losses },
    names: Array.from({ length: count }, (_, i) => nameOf('test', i)),
  };
}

/** Test pictures by their positions. */
export async function testPixels({ dataset }: OpenData, indices: readonly number[]): Promise<PixelRows> {
  const { imageShape, test } = dataset;
  const size = imageSize(imageShape);
  const source = sourceOf(test, imageShape);
  const pixels = new Uint8Array(indices.length * size);
  for (const [row, index] of indices.entries())
    await source.read(index, pixels.subarray(row * size, (row + 1) * size));
  return { size: imageShape[1], pixels };
}

/** Says what is in pictures, with the weights of a step. */
export class Guesser {
  readonly step: number;
  readonly #classifier: Classifier;

  private constructor(step: number, classifier: Classifier) {
    this.step = step;
    this.#classifier = classifier;
  }

  static async create(lane: Lane, threads: number): Promise<Guesser> {
    const { step } = lane.trainer.progress;
    const checkpoint = fromCheckpoint(await lane.checkpoint());
    return new Guesser(step, await Classifier.create(checkpoint, { model: lane.trainer.model, threads }));
  }

  async guess(picture: Blob | ImageData): Promise<Guess[]> {
    const { probabilities } = await this.#classifier.predict(picture);
    return this.#classifier.classNames
      .map((className, k) => ({ className, probability: probabilities[k] }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, TOP);
  }

  release(): Promise<void> {
    return this.#classifier.release();
  }
}
