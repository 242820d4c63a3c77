/** What a model out of a file is made with, and what is known of it. */
import type { ExternalData, ForeignValue } from '../graph/import/foreign-values.js';
import type { Node, Value } from '../graph/graph.js';
import type { GivenName } from '../graph/import/foreign-values.js';
import type { Head } from '../nn/head.js';
import type { ConfigValue, Model } from '../nn/model.js';
import type { Scope } from '../nn/scope.js';

/** How a file is made a model. */
export interface LoadModelOptions {
  /** Default: as many as the file has. With another number the head is replaced by a new one of that size, and where
   * several make the logits together, as in distilled DeiT and LeViT, all of them. */
  readonly classes?: number;
  /**
   * The weight of the layer that is replaced, of the file's number of classes, too; several where several make the logits
   * together. Default: those before the output, for another number of classes.
   */
  readonly head?: string | readonly string[];
  /** Height and width of the images, where the file leaves them open. Default 224. */
  readonly imageSize?: number | readonly [number, number];
  /** Channels, where the file leaves them open. Default 3. */
  readonly channels?: number;
  /** The output that holds the logits. Default: the only one, or the first that is [N, classes]. */
  readonly output?: string;
  /**
   * `insert` puts batch normalisation behind every convolution with a shift, where an exporter folded it. In inference the
   * model then gives what it gave; in training its features are normalised by their batch, whatever their scale was, from
   * the first step on, whose loss is therefore another. Default `keep`.
   */
  readonly batchNorm?: 'keep' | 'insert';
  /** Initializers that stay as they are: names, or patterns in which `*` stands for any text. Default none. */
  readonly constants?: readonly string[];
  /** Gives the bytes of files beside the model, where it keeps tensors there. */
  readonly externalData?: ExternalData;
}

/** What else a model is made with. */
export interface FileModelOptions extends LoadModelOptions {
  /** Kept in checkpoints. Default `onnx`. */
  readonly name?: string;
  /** For whoever makes the model again. */
  readonly config?: Readonly<Record<string, ConfigValue>>;
}

/** What is known of a file beside what is in it. */
export interface FileModelSource {
  /** The file itself, with all its tensors inside: what it takes to make the model again. */
  readonly bytes?: Uint8Array;
}

/** Mean and deviation of each channel, of pixel values scaled to [0, 1]. */
export interface FileStandardization {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Where images and logits are in a file, and what is around them. */
export interface FileFacts {
  readonly producer: string;
  readonly operatorSet: number;
  readonly input: ForeignValue;
  /** How its pixels are standardised, where the file does so or says so; a run standardises them alike. */
  readonly standardization: FileStandardization | undefined;
  /** The layout of its images: channels first, or last. */
  readonly layout: 'NCHW' | 'NHWC';
  /** The images that the file was made for; undefined for any number. */
  readonly batchSize: number | undefined;
  readonly output: ForeignValue;
  /** All outputs, in their order. */
  readonly outputs: readonly ForeignValue[];
  /** The numbers that ONNX has for the element types of inputs and outputs, by their names. */
  readonly elementTypes: ReadonlyMap<string, number>;
  /**
   * What adds outputs to a graph as the file has them, with what they depend on.
   *
   * @param names which
   * @returns a function of a scope, which gets the weights, and standardised images as a model takes them
   * @throws GraphError for what cannot be read, as does the function
   */
  readonly readOutputs: (
    names: readonly string[],
  ) => (scope: Scope, images: Value) => ReadonlyMap<string, Value>;
  /** What stands between the logits and the output, and is left out in training. */
  readonly activation: 'Softmax' | 'LogSoftmax' | 'Sigmoid' | undefined;
  /** The layers before the logits, the last ones with weights; more than one where the results of several are added. */
  readonly heads: readonly Head[];
  /** Those that are new, because the number of classes is another than the file's, or because they were named. */
  readonly newHeads: readonly Head[];
  /** Classes of the file itself. */
  readonly fileClasses: number;
  /** How many nodes of each operator there are, and how many were computed while the file was read. */
  readonly operators: ReadonlyMap<string, number>;
  readonly folded: number;
  /** The names of the nodes that take tensors of the file, by the names of these. */
  readonly users: ReadonlyMap<string, string>;
  /** What a node of a traced graph is called in the file: its name, or the names of its results. */
  readonly nodeName: (node: Node) => string | undefined;
  /**
   * The names in the file of weights that PyTorch's exporters numbered and that have the name of their module here, and
   * whether the file has the matrix the other way round.
   */
  readonly inFile: ReadonlyMap<string, GivenName>;
  /** Float tensors that choose or count, and reach the logits by no real number: they are constants. */
  readonly unreached: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Class names that the file's metadata has, if there are any. */
  readonly classNames: readonly string[] | undefined;
  /** The file, with all its tensors inside. */
  readonly bytes: Uint8Array | undefined;
}

/** A model out of a file. */
export interface FileModel extends Model {
  readonly file: FileFacts;
}

/** Whether a model is out of a file. */
export const isFileModel = (model: Model): model is FileModel =>
  'file' in model && typeof model.file === 'object' && model.file !== null && 'operatorSet' in model.file;
