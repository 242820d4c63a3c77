/** Sources on their way to a worker thread: what can be sent, and the same source made of it there. */
import { DataError } from './data-error.js';
import { type ImageSource, type Split, SplitSource } from './image-source.js';
import { type PackedImages, PictureList } from './picture-list.js';
import { sharedBytes, sharedLabels } from './shared-memory.js';
import { Subset } from './subset.js';

/** A source in a form that can be sent to a thread. */
export type SentSource =
  | { readonly kind: 'split'; readonly split: Split; readonly size: number }
  | { readonly kind: 'list'; readonly packed: PackedImages }
  | { readonly kind: 'subset'; readonly source: SentSource; readonly indices: Uint32Array }
  | {
      readonly kind: 'module';
      readonly module: string;
      readonly parameters: unknown;
      readonly count: number;
      /** Whether its images have sizes of their own. */
      readonly sized: boolean;
    };

/**
 * What to send of a source: images in memory as they are, copied once where they do not lie in shared memory, others as
 * the way to make them.
 *
 * @param size bytes of an image of the dataset
 * @returns undefined for a source that does not say how a worker makes it
 */
export function sentSource(source: ImageSource, size: number): SentSource | undefined {
  if (source instanceof SplitSource) {
    const { images, labels } = source.split;
    return { kind: 'split', split: { images: sharedBytes(images), labels: sharedLabels(labels) }, size };
  }
  if (source instanceof PictureList) return { kind: 'list', packed: source.packed };
  if (source instanceof Subset) {
    const of = sentSource(source.source, size);
    return of && { kind: 'subset', source: of, indices: source.indices };
  }
  if (!source.worker) return undefined;
  const { module, parameters } = source.worker;
  return {
    kind: 'module',
    module: String(module),
    parameters,
    count: source.count,
    sized: source.size !== undefined,
  };
}

/** @throws DataError for a module that makes no source, or one of another number of images */
export async function receivedSource(sent: SentSource): Promise<ImageSource> {
  switch (sent.kind) {
    case 'split':
      return new SplitSource(sent.split, sent.size);
    case 'list':
      return new PictureList(sent.packed);
    case 'subset':
      return new Subset(await receivedSource(sent.source), sent.indices);
    case 'module':
      return madeByModule(sent);
  }
}

type MakeSource = (parameters: unknown) => ImageSource | Promise<ImageSource>;

async function madeByModule({
  module,
  parameters,
  count,
  sized,
}: Extract<SentSource, { kind: 'module' }>): Promise<ImageSource> {
  const { default: make } = (await import(module)) as { default?: MakeSource };
  if (typeof make !== 'function') {
    throw new DataError(`${module} does not make a source: its default export has to be a function.`);
  }
  const source = await make(parameters);
  if (source.count !== count) {
    throw new DataError(
      `The source that ${module} makes in a worker has ${source.count} images, but that of the calling thread ${count}.`,
    );
  }
  if ((source.size !== undefined) !== sized) {
    throw new DataError(
      `The source that ${module} makes in a worker is not that of the calling thread: only one of them has size().`,
    );
  }
  return source;
}
