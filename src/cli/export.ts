/** `tract export`. */
import { dirname, join } from 'node:path';
import type { Model } from '../nn/model.js';
import { elementCount } from '../tensor/tensor.js';
import { type FileModel, isFileModel } from '../models/file-model-options.js';
import { writeAtomically } from '../data/atomic-write.js';
import { exportFileModel } from '../train/export-file.js';
import { exportOnnx } from '../train/export.js';
import type { PictureResizing } from '../train/resizing.js';
import type { DataConfig } from '../train/run-config.js';
import { resizingOf } from '../train/run-resizing.js';
import { UsageError } from './errors.js';
import { exportStep } from './export-step.js';
import { print, printJson } from './terminal.js';
import { readTrained } from './trained.js';

export interface ExportFlags {
  /** Default: `model.onnx` beside the checkpoint. */
  readonly out?: string;
  /** Default: any number of images. */
  readonly batchSize?: number;
  /** Whether it takes pictures of any size. */
  readonly withPreprocessing?: boolean;
  /** Whether the step is written that trains it, in place of the model. */
  readonly trainingStep?: boolean;
  readonly json?: boolean;
}

export async function exportModel(run: string, flags: ExportFlags): Promise<void> {
  const trained = await readTrained(run);
  if (flags.trainingStep) {
    if (flags.withPreprocessing)
      throw new UsageError(
        '--with-preprocessing is for a model; a training step takes the pixels of a batch',
      );
    await exportStep(trained, flags);
    return;
  }
  const { file, config, model, learned } = trained;
  const { batchSize, json, out = join(dirname(file), 'model.onnx') } = flags;
  const { classNames } = config.data;
  const options = { ...(batchSize !== undefined && { batchSize }), classNames };
  if (isFileModel(model) && !flags.withPreprocessing) {
    await giveBack(file, model, exportFileModel(model, learned, options), {
      out,
      batchSize,
      json,
      classNames,
    });
    return;
  }
  const resizing = flags.withPreprocessing ? resizingWanted(model, config.data) : undefined;
  const bytes = exportOnnx(model, learned, { ...options, ...(resizing && { resizing }) });
  await writeAtomically(out, bytes);
  const batch = batchSize ?? 'N';
  const [channels] = model.imageShape;
  const shape = [batch, ...(resizing ? [channels, 'height', 'width'] : model.imageShape)];
  if (json) {
    const line = {
      event: 'export',
      checkpoint: file,
      out,
      bytes: bytes.length,
      input: { name: 'images', type: 'uint8', shape },
      output: { name: 'logits', type: 'float32', shape: [batch, model.classes] },
      classNames,
      ...(resizing && { resizing }),
    };
    printJson(line);
    return;
  }
  const example = [batchSize ?? 1, channels, ...(resizing ? [480, 640] : model.imageShape.slice(1))];
  const inside = resizing
    ? `resizing to ${model.imageShape.slice(1).join(' x ')} and the standardisation are`
    : 'the standardisation is';
  print(
    `${out}: ${model.name} from ${file}, ${(bytes.length / 1e6).toFixed(1)} MB`,
    `  in   images  uint8 [${shape.join(', ')}]: ${channels === 3 ? 'RGB' : 'grey'}, 0 to 255, channels first; ${inside} inside`,
    `  out  logits  float32 [${batch}, ${model.classes}]; the metadata entry class_names says which is which`,
    'In JavaScript, with onnxruntime-node or onnxruntime-web as ort:',
    `  const session = await ort.InferenceSession.create(${JSON.stringify(out)});`,
    `  const images = new ort.Tensor('uint8', pixels, [${example.join(', ')}]); // pixels: Uint8Array of ${elementCount(example)}`,
    '  const { logits } = await session.run({ images });',
  );
}

/** @throws UsageError where a run's pictures went through what is not written into a file */
export function resizingWanted(model: Model, data: DataConfig): PictureResizing {
  const resizing = resizingOf(model, data);
  if ('unknown' in resizing)
    throw new UsageError(
      `--with-preprocessing: the images of this run went through ${resizing.unknown} in evaluation, which is not written into a file; leave it out, and do that before`,
    );
  return resizing;
}

/** Writes a model that came out of a file, and tells what is in it. */
async function giveBack(
  checkpoint: string,
  { name, imageShape, classes, file }: FileModel,
  bytes: Uint8Array,
  {
    out,
    batchSize,
    json,
    classNames,
  }: { out: string; batchSize: number | undefined; json: boolean | undefined; classNames: readonly string[] },
): Promise<void> {
  await writeAtomically(out, bytes);
  const batch = batchSize ?? 'N';
  const [channels, height, width] = imageShape;
  const shape = [batch, ...(file.layout === 'NHWC' ? [height, width, channels] : imageShape)];
  const type = file.input.dtype === 'uint8' ? 'uint8' : 'float32';
  if (json) {
    printJson({
      event: 'export',
      checkpoint,
      out,
      bytes: bytes.length,
      input: { name: file.input.name, type, shape },
      output: { name: file.output.name, type: 'float32', shape: [batch, classes] },
      classNames,
    });
    return;
  }
  print(
    `${out}: ${name} from ${checkpoint}, ${(bytes.length / 1e6).toFixed(1)} MB`,
    `  in   ${file.input.name}  ${type} [${shape.join(', ')}]: ${type === 'uint8' ? '0 to 255; the standardisation is inside' : 'pixels scaled to 0 to 1 and standardised by the mean and deviation in the metadata'}`,
    `  out  ${file.output.name}  float32 [${batch}, ${classes}]${file.activation ? `, behind the ${file.activation} of the file it came from` : ''}; the metadata entry class_names says which is which`,
  );
}
