/** What a model will see of a dataset, as one HTML file: pictures of the first batch, and pictures as they are evaluated. */
import { type ImageDataset, followedSplit, imageCount, imageSize } from '../data/dataset.js';
import { type FolderReport, reportSentences } from '../data/folder/folder-report.js';
import { pictureFile } from '../data/folder/image-folder.js';
import { type Images, labelsOf, sourceOf } from '../data/image-source.js';
import type { ImageTransform } from '../data/image-transform.js';
import type { BatchPlan } from '../data/loader.js';
import { Subset } from '../data/subset.js';
import { type Mixing, mixBatch, mixStream } from '../data/mixing.js';
import { Random } from '../random/random.js';
import { firstBatch, firstImages } from '../train/loaders.js';
import { escapeXml } from './chart.js';
import { imageFigure, sheetStyle } from './image-figure.js';
import { list, page, prose } from './page.js';
import { percent } from './words.js';

/** What is shown. */
export interface ContactSheetOptions {
  /** What training images go through; `null` for what they are evaluated by. */
  readonly augmentation: readonly ImageTransform[] | null;
  /** Of the run whose first batch is shown. */
  readonly seed: number;
  /** Images in that batch. */
  readonly batchSize: number;
  /** How its images are mixed; left out, they are not. */
  readonly mixing?: Mixing;
  /** In how many parts of equal size they are; default 1. */
  readonly shards?: number;
  /** Pictures that are shown: of the batch at most all of it, of each class at most an even part of as many. */
  readonly pictures: number;
  /** What the first pass over a folder has found. */
  readonly report?: FolderReport;
}

/** An image as a model gets it. */
interface Seen {
  readonly data: Uint8Array;
  /** What it is taken for: a class, or several with their shares. */
  readonly shares: readonly Share[];
  /** Where it comes from, if that is known. */
  readonly file?: string | undefined;
}

interface Share {
  readonly label: number;
  /** Of 1. */
  readonly share: number;
}

/** @throws DataError naming an image that cannot be read */
export async function contactSheet(dataset: ImageDataset, options: ContactSheetOptions): Promise<string> {
  const { name, classNames, imageShape, train } = dataset;
  const { report } = options;
  const { kind, split } = followedSplit(dataset);
  const [, height, width] = imageShape;
  const sections = [
    `<h1>${escapeXml(name)}</h1>`,
    `<p class="answer">${prose(`${imageCount(train)} training and ${imageCount(split)} ${kind} images of ${classNames.length} classes, ${width} × ${height} pixels`)}</p>`,
    report ? list(reportSentences(report).slice(1)) : '',
    '<h2>In training</h2>',
    await trainingPictures(dataset, options),
    '<h2>In evaluation</h2>',
    await evaluatedPictures(dataset, options.pictures),
    '<h2>Classes</h2>',
    classTable(dataset),
  ];
  return page(`What a model sees of ${name}`, `${sheetStyle}${sections.filter(Boolean).join('\n')}`);
}

/** The first batch of a run, as the model gets it. @throws DataError naming an image that cannot be read */
export async function trainingPictures(
  dataset: ImageDataset,
  options: Omit<ContactSheetOptions, 'report'>,
): Promise<string> {
  const { augmentation, seed, batchSize, mixing } = options;
  const chain = (augmentation ?? dataset.evaluation ?? []).map(words);
  if (mixing) chain.push(words({ name: 'mixing', config: { ...mixing } }));
  const behind = chain.length > 0 ? `, behind ${chain.join(', ')}` : '';
  const images = await trainingImages(dataset, options);
  const part = images.length < batchSize ? `${images.length} of the ` : '';
  const note = `${part}${batchSize} images of the first batch of a run with seed ${seed}${behind}.`;
  return `<p class="note">${prose(note)}</p>${await sheet(images, dataset)}`;
}

/** Pictures as they are evaluated, the first of each class. @throws DataError naming an image that cannot be read */
export async function evaluatedPictures(dataset: ImageDataset, pictures: number): Promise<string> {
  const { kind, split } = followedSplit(dataset);
  const behind = dataset.evaluation ? `, behind ${dataset.evaluation.map(words).join(', ')}` : '';
  const note = `${kind === 'test' ? 'Test' : 'Validation'} images, the first of each class${behind}.`;
  return `<p class="note">${prose(note)}</p>${await sheet(await ofEachClass(dataset, split, pictures), dataset)}`;
}

/** A transform as it is written in code. */
function words({ name, config }: Pick<ImageTransform, 'name' | 'config'>): string {
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(4)) : value;
  const options = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value, short)}`);
  return options.length === 0 ? name : `${name} (${options.join(', ')})`;
}

/** The images that a run begins with, as its step gets them. */
async function trainingImages(
  dataset: ImageDataset,
  { augmentation, seed, batchSize, mixing, shards = 1, pictures }: ContactSheetOptions,
): Promise<Seen[]> {
  const { train, evaluation, imageShape, classNames } = dataset;
  const random = Random.fromSeed(seed, 'batches').state;
  const transforms = augmentation ?? evaluation;
  const shown = Math.min(pictures, batchSize);
  const plan: BatchPlan = {
    ...{ batchSize, shuffle: true, random, last: 'drop' },
    // The last image of a batch may be in the first.
    rows: [0, mixing ? batchSize : shown],
    ...(transforms && { augmentation: transforms }),
  };
  const order = Random.fromState(random).fork('order').permutation(imageCount(train));
  const { images, labels } = await firstBatch(dataset, train, plan);
  const mixed =
    mixing && mixBatch(images, labels, imageShape, classNames.length, mixing, mixStream(random, 0), shards);
  const sharesOf = (row: number): Share[] => {
    if (!mixed) return [{ label: labels[row], share: 1 }];
    const targets = mixed.targets.subarray(row * classNames.length, (row + 1) * classNames.length);
    return [...targets.entries()].flatMap(([label, share]) => (share > 0 ? [{ label, share }] : []));
  };
  return seen(dataset, images, shown, (row) => ({
    shares: sharesOf(row).sort((a, b) => b.share - a.share),
    // A mixed image is of two files.
    file: mixed ? undefined : pictureFile(train, order[row]),
  }));
}

/** The first images of each class of a split. */
async function ofEachClass(dataset: ImageDataset, split: Images, pictures: number): Promise<Seen[]> {
  const { classNames } = dataset;
  const each = Math.max(1, Math.floor(pictures / classNames.length));
  const found: number[][] = classNames.map(() => []);
  const labels = labelsOf(split);
  for (let i = 0; i < labels.length; i++) if (found[labels[i]].length < each) found[labels[i]].push(i);
  const indices = Uint32Array.from(found.flat().slice(0, pictures));
  const chosen = new Subset(sourceOf(split, dataset.imageShape), indices);
  const { images, labels: shown } = await firstImages(dataset, chosen, indices.length);
  return seen(dataset, images, indices.length, (row) => ({
    shares: [{ label: shown[row], share: 1 }],
    file: pictureFile(split, indices[row]),
  }));
}

/** The first images of a batch, and what is known of each. */
function seen(
  { imageShape }: ImageDataset,
  images: Uint8Array,
  count: number,
  about: (row: number) => Omit<Seen, 'data'>,
): Seen[] {
  const size = imageSize(imageShape);
  return Array.from({ length: count }, (_, row) => ({
    data: images.slice(row * size, (row + 1) * size),
    ...about(row),
  }));
}

async function sheet(images: readonly Seen[], { classNames, imageShape }: ImageDataset): Promise<string> {
  const lines = (shares: readonly Share[]): string[] =>
    shares.map(({ label, share }) =>
      shares.length === 1 ? classNames[label] : `${classNames[label]} ${percent(share)}`,
    );
  const figures = await Promise.all(
    images.map(({ data, shares, file }) => imageFigure(data, imageShape, lines(shares), file)),
  );
  return `<div class="sheet">${figures.join('')}</div>`;
}

/** Of very many classes the first are shown. */
const MOST_ROWS = 200;

function classTable({ classNames, train, validation, test }: ImageDataset): string {
  const splits: [string, Images][] = [
    ['training', train],
    ...(validation ? [['validation', validation] as [string, Images]] : []),
    ['test', test],
  ];
  const counts = splits.map(([, images]) => {
    const count = new Uint32Array(classNames.length);
    const labels = labelsOf(images);
    for (let i = 0; i < labels.length; i++) count[labels[i]]++;
    return count;
  });
  const rows = classNames.slice(0, MOST_ROWS).map((name, label) => {
    const cells = splits.map(([split], i) => `<td data-name="${split}">${counts[i][label]}</td>`);
    return `<tr><td>${escapeXml(name)}</td>${cells.join('')}</tr>`;
  });
  const more =
    classNames.length > MOST_ROWS ? `<p class="note">and ${classNames.length - MOST_ROWS} more</p>` : '';
  const heads = splits.map(([split]) => `<th>${split}</th>`).join('');
  return `<div class="scroll"><table><thead><tr><th>class</th>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></div>${more}`;
}
