/** What a run is taken away as: a folder that the command goes on with, and a model that any ONNX Runtime runs. */
import { exportOnnx } from '../../train/export.js';
import { resizingOf } from '../../train/run-resizing.js';
import { SOURCE_FILE } from '../../train/load-model.js';
import { ZipFile } from '../pictures/zip-writer.js';
import type { Lane } from './lane.js';
import type { OpenData } from './open-data.js';
import { PICTURES_FOLDER } from './stored-pictures.js';

/** @param source the bytes of the model's file, where it is out of one */
export async function runZip(
  lane: Lane,
  data: OpenData,
  source: Uint8Array | undefined,
  onProgress: (done: number) => void,
): Promise<File> {
  const folder = `studio-${lane.method}`;
  const zip = await ZipFile.create(`${folder}.zip`);
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  try {
    zip.add(`${folder}/config.json`, text(`${JSON.stringify(lane.config, null, 2)}\n`), true);
    zip.add(`${folder}/metrics.jsonl`, text(lane.metrics), true);
    zip.add(`${folder}/last.safetensors`, await lane.checkpoint());
    if (source) zip.add(`${folder}/${SOURCE_FILE}`, source);
    let done = 0;
    for await (const { path, bytes } of data.files?.() ?? []) {
      zip.add(`${folder}/${PICTURES_FOLDER}/${path}`, bytes);
      onProgress(++done);
    }
    return await zip.finish();
  } catch (error) {
    zip.abandon();
    throw error;
  }
}

/**
 * An `.onnx` file that takes decoded pictures of any size; scaling, where it is known how, and standardisation are inside, class
 * names are in its metadata.
 */
export async function modelOnnx({ trainer, config }: Lane): Promise<Uint8Array> {
  const resizing = resizingOf(trainer.model, config.data);
  const learned = {
    weights: await trainer.weights(),
    standardization: { mean: config.data.mean, deviation: config.data.deviation },
  };
  return exportOnnx(trainer.model, learned, {
    classNames: config.data.classNames,
    // A run of the library may have brought its images to their size in any way.
    ...('cover' in resizing && { resizing }),
  });
}
