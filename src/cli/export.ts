/** `tract export`. */
import { dirname, join } from 'node:path';
import { elementCount } from '../tensor/tensor.js';
import { writeAtomically } from '../train/atomic-write.js';
import { exportOnnx } from '../train/export.js';
import { print, printJson } from './terminal.js';
import { readTrained } from './trained.js';

export interface ExportFlags {
  /** Default: `model.onnx` beside the checkpoint. */
  readonly out?: string;
  /** Default: any number of images. */
  readonly batchSize?: number;
  readonly json?: boolean;
}

export async function exportModel(run: string, flags: ExportFlags): Promise<void> {
  const { file, config, model, learned } = await readTrained(run);
  const { batchSize, json, out = join(dirname(file), 'model.onnx') } = flags;
  const { classNames } = config.data;
  const bytes = exportOnnx(model, learned, { ...(batchSize !== undefined && { batchSize }), classNames });
  await writeAtomically(out, bytes);
  const batch = batchSize ?? 'N';
  const shape = [batch, ...model.imageShape];
  if (json) {
    const line = {
      event: 'export',
      checkpoint: file,
      out,
      bytes: bytes.length,
      input: { name: 'images', type: 'uint8', shape },
      output: { name: 'logits', type: 'float32', shape: [batch, model.classes] },
      classNames,
    };
    printJson(line);
    return;
  }
  const example = [batchSize ?? 1, ...model.imageShape];
  print(
    `${out}: ${model.name} from ${file}, ${(bytes.length / 1e6).toFixed(1)} MB`,
    `  in   images  uint8 [${shape.join(', ')}]: RGB, 0 to 255, channels first; the standardisation is inside`,
    `  out  logits  float32 [${batch}, ${model.classes}]; the metadata entry class_names says which is which`,
    'In JavaScript, with onnxruntime-node or onnxruntime-web as ort:',
    `  const session = await ort.InferenceSession.create(${JSON.stringify(out)});`,
    `  const images = new ort.Tensor('uint8', pixels, [${example.join(', ')}]); // pixels: Uint8Array of ${elementCount(example)}`,
    '  const { logits } = await session.run({ images });',
  );
}
