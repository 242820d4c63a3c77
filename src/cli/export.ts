/** `tract export`. */
import { writeAtomically } from '../train/atomic-write.js';
import { exportOnnx } from '../train/export.js';
import { print, printJson } from './terminal.js';
import { readTrained } from './trained.js';

export interface ExportFlags {
  readonly out: string;
  readonly batchSize: number;
  readonly json?: boolean;
}

export async function exportModel(run: string, { out, batchSize, json }: ExportFlags): Promise<void> {
  const { file, config, model, learned } = await readTrained(run);
  const { classNames } = config.data;
  const bytes = exportOnnx(model, learned, { batchSize, classNames });
  await writeAtomically(out, bytes);
  const shape = [batchSize, ...model.imageShape];
  if (json) {
    const line = {
      event: 'export',
      checkpoint: file,
      out,
      bytes: bytes.length,
      input: { name: 'images', type: 'uint8', shape },
      output: { name: 'logits', type: 'float32', shape: [batchSize, model.classes] },
      classNames,
    };
    printJson(line);
    return;
  }
  const size = shape.reduce((product, length) => product * length);
  print(
    `${out}: ${model.name} from ${file}, ${(bytes.length / 1e6).toFixed(1)} MB`,
    `  in   images  uint8 [${shape.join(', ')}]: RGB, 0 to 255, channels first; the standardisation is inside`,
    `  out  logits  float32 [${batchSize}, ${model.classes}]; the metadata entry class_names says which is which`,
    'In JavaScript, with onnxruntime-node or onnxruntime-web as ort:',
    `  const session = await ort.InferenceSession.create(${JSON.stringify(out)});`,
    `  const images = new ort.Tensor('uint8', pixels, [${shape.join(', ')}]); // pixels: Uint8Array of ${size}`,
    '  const { logits } = await session.run({ images });',
  );
}
