/** Opens the folder of a run, of this page or of the command. */
import { fromCheckpoint } from '../../train/checkpoint.js';
import type { Model } from '../../nn/model.js';
import { SOURCE_FILE, modelOfRun } from '../../train/load-model.js';
import { parseMetricsLine } from '../../train/metrics-line.js';
import { type RunConfig, wholeTrainImages } from '../../train/run-config.js';
import { modelOf } from '../../train/run-parts.js';
import type { GivenFile } from '../pictures/import.js';
import { pixelsOf } from '../pictures/pixels.js';
import { ZipError, zipEntries } from '../pictures/zip-reader.js';
import type { DataSpec } from '../run-spec.js';
import { usualSettings } from '../settings.js';
import type { KeptRun } from './kept-run.js';
import { keepDecoded } from './prepare.js';
import { PICTURES_FOLDER } from './stored-pictures.js';

/** A run as it was found. */
export type FoundRun = Pick<KeptRun, 'spec' | 'lanes' | 'source'>;

interface RunFile {
  readonly path: string;
  readonly read: () => Promise<Uint8Array>;
}

const CHECKPOINT = /(?:^|\/)last\.safetensors$/;

/** The files of a zip or folder, if a run is in them; undefined where there is none. */
export async function runFilesIn(files: readonly GivenFile[]): Promise<RunFile[] | undefined> {
  const all: RunFile[] = [];
  for (const { path, file } of files) {
    if (/\.zip$/i.test(path)) {
      const entries = await zipEntries(file).catch((error: unknown) => {
        // Said where pictures are looked for in it.
        if (error instanceof ZipError) return [];
        throw error;
      });
      all.push(...entries);
    } else all.push({ path, read: async () => new Uint8Array(await file.arrayBuffer()) });
  }
  return all.some(({ path }) => CHECKPOINT.test(path)) ? all : undefined;
}

/**
 * @param onProgress called with the pictures that are done
 * @throws CheckpointError, SafetensorsError for files that are damaged
 * @throws Error for pictures that are not the run's
 */
export async function openRun(
  files: readonly RunFile[],
  onProgress: (done: number, total: number) => void,
): Promise<FoundRun> {
  const last = files.find(({ path }) => CHECKPOINT.test(path))!;
  const base = last.path.replace(CHECKPOINT, '');
  const prefix = base === '' ? '' : `${base}/`;
  const beside = async (name: string): Promise<Uint8Array | undefined> =>
    files.find(({ path }) => path === `${prefix}${name}`)?.read();
  const checkpoint = await last.read();
  const { config } = fromCheckpoint(checkpoint);
  const metrics = new TextDecoder().decode((await beside('metrics.jsonl')) ?? new Uint8Array(0));
  const pictures = files.filter(({ path }) => path.startsWith(`${prefix}${PICTURES_FOLDER}/`));
  const source = await beside(SOURCE_FILE);
  const model = source ? await modelOfRun(source, config.model) : modelOf(config);
  const data = await dataOf(config, model, pictures, prefix.length + PICTURES_FOLDER.length + 1, onProgress);
  const method = config.tract ? 'tract' : 'vanilla';
  return {
    spec: {
      data,
      settings: { ...usualSettings, racing: method, epochs: config.epochs, batchSize: config.batchSize },
      methods: [method],
      evaluateEvery: evaluationsIn(metrics),
    },
    lanes: [{ method, metrics, checkpoint }],
    source,
  };
}

async function dataOf(
  { data }: RunConfig,
  { name: modelName, imageShape }: Model,
  pictures: readonly RunFile[],
  skip: number,
  onProgress: (done: number, total: number) => void,
): Promise<DataSpec> {
  const { name, folder, validationImages, testImages: test } = data;
  const without = (reason: string): DataSpec => ({ kind: 'none', reason, data, imageShape });
  if (validationImages !== undefined)
    return without(
      'It chooses its epoch on validation pictures, which the Studio does not. Go on with it by the command; here it can be tried and taken away.',
    );
  if (name === 'shapes' && !folder) return { kind: 'shapes', train: wholeTrainImages(data), test };
  if (!folder || pictures.length === 0)
    return without(
      `Its pictures (${name}) did not come with it, so that it can be tried and taken away here, but not trained on.`,
    );
  const [size, width] = folder.size;
  if (!folder.decoding.cut || size !== width || folder.decoding.channels !== 3)
    return without(
      `Its ${modelName} was trained on pictures that the command decodes in another way than this page; go on with it by the command.`,
    );
  return {
    kind: 'pictures',
    key: await keepRunPictures(pictures, skip, size, folder.fingerprint, onProgress),
  };
}

/** Pictures of a run, as its zip has them: `train/<class>/<name>.png`, of the run's size. */
async function keepRunPictures(
  files: readonly RunFile[],
  skip: number,
  size: number,
  fingerprint: string,
  onProgress: (done: number, total: number) => void,
): Promise<string> {
  const placed = files.flatMap((file) => {
    const [split, className, ...rest] = file.path.slice(skip).split('/');
    const known = (split === 'train' || split === 'test') && rest.length === 1 && !rest[0].startsWith('.');
    return known ? [{ file, test: split === 'test', className, name: rest[0] }] : [];
  });
  // As the command reads folders: classes by their names, pictures by theirs.
  placed.sort((a, b) => order(a.name, b.name) || order(a.className, b.className));
  const classNames = [...new Set(placed.map(({ className }) => className))].sort();
  const kept = await keepDecoded(
    {
      size,
      classNames,
      pictures: placed.map(({ file, test, className, name }) => ({
        name,
        label: classNames.indexOf(className),
        test,
        raw: async () => {
          const raw = await pixelsOf(new Blob([(await file.read()) as Uint8Array<ArrayBuffer>]));
          if (raw.width === size && raw.height === size) return raw;
          throw new Error(`it is ${raw.width} × ${raw.height} pixels, but the run has ${size} × ${size}`);
        },
      })),
    },
    fingerprint,
    onProgress,
  );
  if (kept.fingerprint === fingerprint) return kept.key;
  throw new Error(
    'The pictures beside this run are others than those it was begun with, so that it cannot go on. Open it as it was taken away.',
  );
}

const order = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** Steps between the evaluations that a run has told of; at the ends of epochs where there are no others. */
function evaluationsIn(metrics: string): number {
  for (const line of metrics.split('\n')) {
    const known = parseMetricsLine(line);
    if (known?.event === 'evaluation' && known.step > 0) return known.step;
  }
  return Number.MAX_SAFE_INTEGER;
}
