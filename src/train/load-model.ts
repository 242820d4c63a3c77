/** Models out of `.onnx` files, from wherever these are. */
import { readOnnx } from '#platform';
import { modelFromForeign } from '../models/file-model.js';
import type { FileModel, LoadModelOptions } from '../models/file-model-options.js';
import { readForeign, selfContained } from '../graph/import/foreign-model.js';
import { GraphError } from '../graph/graph.js';
import type { ConfigValue } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { checkImagesApart } from './apart-check.js';
import { CheckpointError } from './json-check.js';
import type { FileSource } from './platform/platform.js';
import type { Described } from './run-config.js';

/** What models out of files are called in checkpoints. */
export const FILE_MODEL = 'onnx';

/** The file of such a model in the folder of a run. */
export const SOURCE_FILE = 'source.onnx';

/**
 * A model out of an `.onnx` file of PyTorch's exporters, or of another program: a classifier of images, which trains, saves,
 * exports and predicts like a built-in one.
 *
 * Float initializers are its parameters, under the names that they have in the file, and begin with what is in the file;
 * running statistics are buffers. Batch normalisation is by the statistics of the batch in training; dropout drops, other
 * pixels at every step. A softmax before the output is left out: the loss has it. A batch size that the file was made
 * for does not matter. A file that takes bytes and standardises them is trained with that standardisation, and so is one
 * whose metadata has `mean` and `deviation`; float16, bfloat16 and float64 weights are trained in float32.
 *
 * @param source in Node the path of the file, whose tensors may be in other files of its folder; in browsers its
 *   address; everywhere its bytes, or a `Blob` or `File`
 * @param options.classes another number than the file's replaces its head, or heads
 * @throws GraphError for a file that is damaged, naming everything in it that cannot be read; and for one that was made for
 *   a fixed number of images, and mixes them where there are others
 * @throws OptionError for a number of classes, a head or an output that cannot be
 */
export async function loadModel(source: FileSource, options: LoadModelOptions = {}): Promise<FileModel> {
  const { name, bytes: given, externalData } = await readOnnx(source);
  const external = options.externalData ?? externalData;
  try {
    const bytes = selfContained(given, external);
    const model = modelFromForeign(readForeign(bytes), {
      ...options,
      config: { ...configOf(options), ...(await digest(bytes)) },
      bytes,
    });
    await checkImagesApart(model);
    return model;
  } catch (error) {
    if (!(error instanceof GraphError || error instanceof OptionError)) throw error;
    error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** Between names in one text of a configuration; no name of a file has it. */
const SEPARATOR = '\n';

function configOf(options: LoadModelOptions): Record<string, ConfigValue> {
  const { classes, head, imageSize, channels, output, batchNorm, constants = [] } = options;
  const [height, width] = typeof imageSize === 'number' ? [imageSize, imageSize] : (imageSize ?? []);
  const given = {
    classes,
    head: head === undefined ? undefined : [head].flat().join(SEPARATOR),
    height,
    width,
    channels,
    output,
    ...(batchNorm !== undefined && batchNorm !== 'keep' && { batchNorm }),
    ...(constants.length > 0 && { constants: constants.join(SEPARATOR) }),
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** The options that a configuration was made of. */
function optionsOf(config: Readonly<Record<string, ConfigValue>>): LoadModelOptions {
  const number = (key: string): number | undefined =>
    typeof config[key] === 'number' ? config[key] : undefined;
  const text = (key: string): string | undefined =>
    typeof config[key] === 'string' ? config[key] : undefined;
  const [classes, channels, height, width] = ['classes', 'channels', 'height', 'width'].map(number);
  const [head, output, constants] = ['head', 'output', 'constants'].map(text);
  return {
    ...(classes !== undefined && { classes }),
    ...(channels !== undefined && { channels }),
    ...(height !== undefined && width !== undefined && { imageSize: [height, width] }),
    ...(head !== undefined && { head: head.split(SEPARATOR) }),
    ...(output !== undefined && { output }),
    ...(config.batchNorm === 'insert' && { batchNorm: 'insert' as const }),
    ...(constants !== undefined && { constants: constants.split(SEPARATOR) }),
  };
}

/**
 * The model of a run, of the file that the run was begun with.
 *
 * @throws CheckpointError for another file
 * @throws GraphError for a file that is damaged
 */
export async function modelOfRun(source: FileSource, { config }: Described<ConfigValue>): Promise<FileModel> {
  const { bytes } = await readOnnx(source);
  const { sha256 } = await digest(bytes);
  if (Object.hasOwn(config, 'sha256') && sha256 !== undefined && sha256 !== config.sha256)
    throw new CheckpointError(
      `the run was begun with another ${SOURCE_FILE} (SHA-256 ${String(config.sha256)})`,
    );
  return modelFromForeign(readForeign(bytes), { ...optionsOf(config), config, bytes });
}

/** The SHA-256 of bytes; nothing where a page is not allowed to compute it, because it came unencrypted. */
async function digest(bytes: Uint8Array): Promise<{ readonly sha256?: string }> {
  // Declared as if it were everywhere.
  const { subtle } = globalThis.crypto as Partial<Crypto>;
  if (!subtle) return {};
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return { sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}
