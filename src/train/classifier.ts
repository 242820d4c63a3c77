/** A trained model that says what is in pictures. */
import { readModel, readPicture } from '#platform';
import { DataError } from '../data/data-error.js';
import { imageSize } from '../data/dataset.js';
import type { PictureDecoding } from '../data/folder/folder-config.js';
import type { ImageTransform } from '../data/image-transform.js';
import { transformsOf } from '../data/image-transforms.js';
import { transformed } from '../data/pictures.js';
import type { Device } from '../engine/device.js';
import { executionProvider } from '../engine/device.js';
import { Program } from '../engine/session.js';
import { GraphError } from '../graph/graph.js';
import type { Model } from '../nn/model.js';
import { Random } from '../random/random.js';
import { type Tensor, sameShape, tensor } from '../tensor/tensor.js';
import type { Checkpoint } from './checkpoint.js';
import type { LearnedState } from './evaluator.js';
import { exportOnnx } from './export.js';
import { CheckpointError } from './json-check.js';
import { type FileSource, type PictureFile } from './platform/platform.js';
import type { DataConfig, ModelMaker } from './run-config.js';
import { building } from './run-parts.js';
import { StateError } from './state.js';
import { trainedModel } from './trained.js';

/** Where a trained model runs, and where it comes from if it is your own. */
export interface ClassifierOptions {
  /** The model, if it is your own: a file holds no functions. Default: the package's of the name in the file. */
  readonly model?: Model;
  /** Makes models by name. Default: those of this package. */
  readonly makeModel?: ModelMaker;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads of one operator. Default: one a core. */
  readonly threads?: number;
}

/** What a picture was taken for. */
export interface Prediction {
  /** The likeliest class. */
  readonly className: string;
  /** Its position among `classNames`. */
  readonly classIndex: number;
  /** Its probability, 0 to 1. */
  readonly probability: number;
  /** Of all classes, in their order. */
  readonly probabilities: Float32Array;
}

/** Images at once, at most: more take memory and are no faster. */
const MOST_AT_ONCE = 64;
/** Pictures at once, at most, while they are in their own size. */
const DECODED_AT_ONCE = 4;

/**
 * A trained model at inference speed: no loss, batch norm folded into the convolutions before it (by ONNX Runtime, for
 * which weights are constants), and any number of pictures at once.
 */
export class Classifier {
  readonly model: Model;
  readonly classNames: readonly string[];
  readonly #learned: LearnedState;
  readonly #options: ClassifierOptions;
  /** How the pictures of its folder were decoded, where it was trained on such, and what they went through then. */
  readonly #decoding: PictureDecoding | undefined;
  readonly #evaluation: readonly ImageTransform[];
  /** By the number of images at once; 0 for any number, where the model can be written for it. */
  readonly #programs = new Map<number, Program>();
  #anyNumber = true;

  private constructor(
    model: Model,
    { classNames, folder, evaluation = [] }: DataConfig,
    learned: LearnedState,
    options: ClassifierOptions,
  ) {
    this.model = model;
    this.classNames = classNames;
    this.#learned = learned;
    this.#options = options;
    this.#decoding = folder?.decoding;
    this.#evaluation = folder ? building('evaluation', () => transformsOf(evaluation)) : [];
  }

  /**
   * Loads a trained model.
   *
   * @param source in Node the path of a checkpoint, or of a run's folder (its best checkpoint, where validation images
   *   chose one, else its last); in browsers the address of a checkpoint. Everywhere its bytes, or a `Blob` or `File`
   * @throws CheckpointError for a file that is no checkpoint, is damaged, or is of a model that is your own and was not
   *   given
   * @throws DeviceError where the device is not available
   */
  static async load(source: FileSource, options: ClassifierOptions = {}): Promise<Classifier> {
    const { name, checkpoint } = await readModel(source);
    try {
      return await Classifier.create(checkpoint, options);
    } catch (error) {
      if (!(error instanceof StateError || error instanceof CheckpointError)) throw error;
      throw new CheckpointError(`${name} cannot be used: ${error.message}`, { cause: error });
    }
  }

  /**
   * The same with a checkpoint that was read already.
   *
   * @throws StateError naming the first weight that does not fit the model
   * @throws CheckpointError for a model that is your own and was not given
   * @throws DeviceError where the device is not available
   */
  static async create(checkpoint: Checkpoint, options: ClassifierOptions = {}): Promise<Classifier> {
    const { model, learned } = trainedModel(checkpoint, options);
    const classifier = new Classifier(model, checkpoint.config.data, learned, options);
    // What is wrong with the weights, or missing for the device, is said now.
    await classifier.#programFor(1);
    return classifier;
  }

  /**
   * What is in a picture, or in each of many.
   *
   * A picture of any size is scaled to cover the model's, and what sticks out is cut off evenly. Of many pictures only
   * some are in memory at a time.
   *
   * @param pictures files, bytes of files, pixels, or what a page shows; a list gives a list
   * @throws DataError for what is no picture that can be read
   */
  predict(picture: PictureFile): Promise<Prediction>;
  predict(pictures: readonly PictureFile[]): Promise<Prediction[]>;
  async predict(pictures: PictureFile | readonly PictureFile[]): Promise<Prediction | Prediction[]> {
    if (!isList(pictures)) return (await this.#predictAll([pictures]))[0];
    return this.#predictAll(pictures);
  }

  async #predictAll(pictures: readonly PictureFile[]): Promise<Prediction[]> {
    const { imageShape } = this.model;
    const size = imageSize(imageShape);
    const predictions: Prediction[] = [];
    for (let first = 0; first < pictures.length; first += MOST_AT_ONCE) {
      const batch = pictures.slice(first, first + MOST_AT_ONCE);
      const pixels = new Uint8Array(batch.length * size);
      for (let start = 0; start < batch.length; start += DECODED_AT_ONCE) {
        const some = batch.slice(start, start + DECODED_AT_ONCE);
        const images = await Promise.all(some.map((picture) => this.#pixelsOf(picture)));
        for (const [i, image] of images.entries()) pixels.set(image, (start + i) * size);
      }
      predictions.push(...(await this.classify(pixels)));
    }
    return predictions;
  }

  /**
   * What is in images of the model's own shape.
   *
   * @param pixels uint8 [N, channels, height, width], any number of images of the model's shape
   * @throws RangeError where they are not whole images
   */
  async classify(pixels: Uint8Array): Promise<Prediction[]> {
    const { data } = await this.logits(pixels);
    const classes = this.model.classes;
    return Array.from({ length: data.length / classes }, (_, row) =>
      this.#predictionOf(data.subarray(row * classes, (row + 1) * classes)),
    );
  }

  /**
   * The logits of images.
   *
   * @param pixels uint8 [N, channels, height, width]
   * @returns float32 [N, classes]
   * @throws RangeError where they are not whole images
   */
  async logits(pixels: Uint8Array): Promise<Tensor<'float32'>> {
    const { imageShape, classes } = this.model;
    const size = imageSize(imageShape);
    if (pixels.length === 0 || pixels.length % size !== 0) {
      throw new RangeError(
        `${pixels.length} bytes are not a whole number of images [${imageShape.join(', ')}]`,
      );
    }
    const count = pixels.length / size;
    const result = new Float32Array(count * classes);
    for (let first = 0; first < count; first += MOST_AT_ONCE) {
      const images = Math.min(MOST_AT_ONCE, count - first);
      const program = await this.#programFor(images);
      // A copy: ONNX Runtime takes no shared memory, which datasets live in.
      const batch = pixels.slice(first * size, (first + images) * size);
      const { logits } = await program.run({ images: tensor('uint8', [images, ...imageShape], batch) });
      result.set(logits.data as Float32Array, first * classes);
    }
    return tensor('float32', [count, classes], result);
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    for (const program of this.#programs.values()) await program.release();
    this.#programs.clear();
  }

  #predictionOf(logits: Float32Array): Prediction {
    const most = logits.reduce((a, b) => Math.max(a, b));
    const powers = Array.from(logits, (logit) => Math.exp(logit - most));
    const sum = powers.reduce((a, b) => a + b);
    const probabilities = Float32Array.from(powers, (power) => power / sum);
    const classIndex = logits.indexOf(most);
    return {
      className: this.classNames[classIndex],
      classIndex,
      probability: probabilities[classIndex],
      probabilities,
    };
  }

  /** A picture as the model's images are: uint8 of its shape. */
  async #pixelsOf(picture: PictureFile): Promise<Uint8Array> {
    const { imageShape, name } = this.model;
    const read = await readPicture(picture, imageShape, this.#decoding);
    const { data, shape } = transformed(read, this.#evaluation, Random.fromSeed(0, 'evaluation'));
    if (sameShape(shape, imageShape)) return data;
    throw new DataError(
      `The picture becomes [${shape.join(', ')}], but this ${name} takes images [${imageShape.join(', ')}].`,
    );
  }

  async #programFor(images: number): Promise<Program> {
    if (this.#anyNumber) {
      try {
        return await this.#load(0);
      } catch (error) {
        // A model that is another for each number of images needs a session for each.
        if (!(error instanceof GraphError)) throw error;
        this.#anyNumber = false;
      }
    }
    return this.#load(images);
  }

  async #load(images: number): Promise<Program> {
    const known = this.#programs.get(images);
    if (known) return known;
    const bytes = exportOnnx(this.model, this.#learned, images === 0 ? {} : { batchSize: images });
    const { device = 'cpu', threads } = this.#options;
    const program = await Program.load(bytes, {
      provider: executionProvider(device),
      ...(threads !== undefined && { threads }),
    });
    this.#programs.set(images, program);
    return program;
  }
}

const isList = (pictures: PictureFile | readonly PictureFile[]): pictures is readonly PictureFile[] =>
  Array.isArray(pictures);
