/** Files that a model keeps tensors in: those of its own folder, and no others. */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { GraphError } from '../graph/graph.js';
import type { ExternalData } from '../graph/import/foreign-values.js';
import { quote } from '../tensor/shorten.js';

/**
 * Reads parts of files in the folder of a model, or below it. A link that leads out of the folder leads nowhere.
 *
 * @param model the path of the `.onnx` file
 */
export function filesBeside(model: string): ExternalData {
  const folder = realpathSync(dirname(resolve(model)));
  return (location, offset, length) => {
    const path = resolve(folder, location);
    let file: number;
    try {
      const real = realpathSync(path);
      if (location.includes('\0') || !real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
        throw new GraphError(`the model keeps tensors in ${quote(location)}, which is not in its folder`);
      file = openSync(real, 'r');
    } catch (error) {
      if (error instanceof GraphError) throw error;
      throw new GraphError(`the model keeps tensors in ${quote(location)}, which cannot be read`, {
        cause: error,
      });
    }
    try {
      const found = fstatSync(file);
      const wanted = length ?? found.size - offset;
      // Before so much is allocated.
      if (!found.isFile() || offset + wanted > found.size || wanted < 0)
        throw new GraphError(
          `the model keeps tensors in ${quote(location)}, up to byte ${offset + wanted}, but it has ${found.size}`,
        );
      const bytes = new Uint8Array(wanted);
      for (let at = 0; at < wanted;) {
        const read = readSync(file, bytes, at, wanted - at, offset + at);
        if (read === 0) throw new GraphError(`${quote(location)} ends while it is read`);
        at += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}
