/** `tract export`. */
import { dirname, join } from 'node:path';
import type { Model } from '../nn/model.js';
import { elementCount } from '../tensor/tensor.js';
import { type FileModel, isFileModel } from '../models/file-model-options.js';
import { writeAtomically } from '../data/atomic-write.js';
import { fileExport } from '../train/export-file.js';
import { elementTypeName } from '../graph/import/file-tensor.js';
import { dtypeOf } from '../graph/onnx-types.js';
import { exportOnnx } from '../train/export.js';
import type { PictureResizing } from '../train/resizing.js';
import type { DataConfig } from '../train/run-config.js';
import { resizingOf } from '../train/run-resizing.js';
import { UsageError } from './errors.js';
import { exportStep } from './export-step.js';
import { note, print, printJson } from './terminal.js';
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
  const resizing = flags.withPreprocessing ? resizingWanted(model, config.data) : undefined;
  if (isFileModel(model)) {
    const leftOut: LeftOut[] = [];
    const given = fileExport(model, learned, {
      ...options,
      ...(resizing && { resizing }),
      leftOut: (output, reason) => leftOut.push({ output, reason }),
    });
    await writeAtomically(out, given.bytes);
    tellGivenBack(file, model, { ...given, out, batchSize, json, classNames, resizing, leftOut });
    return;
  }
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

/** An output of a file that is not given back. */
interface LeftOut {
  readonly output: string;
  readonly reason: string;
}

interface GivenBack extends ReturnType<typeof fileExport> {
  readonly out: string;
  readonly batchSize: number | undefined;
  readonly json: boolean | undefined;
  readonly classNames: readonly string[];
  readonly resizing: PictureResizing | undefined;
  readonly leftOut: readonly LeftOut[];
}

/** Tells what is in a file that a model out of a file was written to. */
function tellGivenBack(
  checkpoint: string,
  { name, imageShape, file }: FileModel,
  { out, bytes, outputs, batchSize, json, classNames, resizing, leftOut }: GivenBack,
): void {
  const [channels, ...size] = imageShape;
  const sides = resizing ? ['height', 'width'] : size;
  const shape = [batchSize ?? 'N', ...(file.layout === 'NHWC' ? [...sides, channels] : [channels, ...sides])];
  const typeOf = (value: string): string => {
    const number = file.elementTypes.get(value)!;
    return dtypeOf(number) ?? elementTypeName(number);
  };
  const type = resizing ? 'uint8' : typeOf(file.input.name);
  const given = outputs.map((one) => ({ ...one, type: typeOf(one.name) }));
  const output = given.find((one) => one.name === file.output.name)!;
  if (json) {
    printJson({
      event: 'export',
      ...{ checkpoint, out, bytes: bytes.length },
      input: { name: file.input.name, type, shape },
      output,
      outputs: given,
      ...(leftOut.length > 0 && { leftOut }),
      classNames,
      ...(resizing && { resizing }),
    });
    return;
  }
  const pixels =
    type !== 'uint8'
      ? 'pixels scaled to 0 to 1 and standardised by the mean and deviation in the metadata'
      : resizing
        ? `0 to 255; resizing to ${size.join(' x ')} and the standardisation are inside`
        : '0 to 255; the standardisation is inside';
  const behind = file.activation ? `, behind the ${file.activation} of the file it came from` : '';
  print(
    `${out}: ${name} from ${checkpoint}, ${(bytes.length / 1e6).toFixed(1)} MB`,
    `  in   ${file.input.name}  ${type} [${shape.join(', ')}]: ${pixels}`,
    ...given.map(
      (one) =>
        `  out  ${one.name}  ${one.type} [${one.shape.map((length) => length ?? '?').join(', ')}]${
          one === output
            ? `${behind}; the metadata entry class_names says which is which`
            : ', as in the file'
        }`,
    ),
  );
  for (const { output: left, reason } of leftOut)
    note(`The output ${left} of the file is left out: ${reason}`);
}
