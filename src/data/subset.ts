/** Some of the images of a source, which are not copied. */
import { DataError } from './data-error.js';
import { type ImageSource } from './image-source.js';

/** Images of another source, by their positions in it. */
export class Subset implements ImageSource {
  readonly source: ImageSource;
  readonly indices: Uint32Array;
  readonly size?: (index: number) => readonly [height: number, width: number];

  /** @throws DataError for a position that the source does not have */
  constructor(source: ImageSource, indices: Uint32Array) {
    const wrong = indices.find((index) => index >= source.count);
    if (wrong !== undefined) {
      throw new DataError(`There is no image ${wrong}: the source has ${source.count}, counted from 0.`);
    }
    this.source = source;
    this.indices = indices;
    if (source.size) this.size = (index) => source.size!(indices[index]);
  }

  get count(): number {
    return this.indices.length;
  }

  label(index: number): number {
    return this.source.label(this.indices[index]);
  }

  read(index: number, target: Uint8Array): void | Promise<void> {
    return this.source.read(this.indices[index], target);
  }
}
