/** Whether files for the next run hold what they should: said when they are chosen, not when the run is to begin. */
import { readForeign, selfContained } from '../../graph/import/foreign-model.js';
import { fromSafetensors } from '../../tensor/safetensors.js';
import { messageOf } from '../rpc.js';

/** @throws Error for what is no model, or one that is not read, naming the file and saying what to do */
export const checkModel = (file: File): Promise<void> =>
  checked(
    file,
    (bytes) => readForeign(selfContained(bytes, undefined)),
    'choose an .onnx file of a classifier of images, as PyTorch exports them',
  );

/** @throws Error for what are no weights, naming the file and saying what to do */
export const checkWeights = (file: File): Promise<void> =>
  checked(file, fromSafetensors, 'choose a .safetensors file, such as last.safetensors of a run');

async function checked(file: File, read: (bytes: Uint8Array) => unknown, instead: string): Promise<void> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    read(bytes);
  } catch (cause) {
    throw new Error(`${file.name} cannot be used: ${messageOf(cause).replace(/\.$/, '')}; ${instead}.`, {
      cause,
    });
  }
}
