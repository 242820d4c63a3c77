/** What a model will see of a dataset, as one HTML file: pictures of the first batch, and pictures as they are evaluated. */
import { type ImageDataset, followedSplit, imageCount, imageSize } from '../data/dataset.js';
import { type FolderReport, reportSentences } from '../data/folder/folder-report.js';
import { pictureFile } from '../data/folder/image-folder.js';
import { type Images, labelsOf, sourceOf } from '../data/image-source.js';
import type { ImageTransform } from '../data/image-transform.js';
import type { BatchPlan } from '../data/loader.js';
import { Subset } from '../data/subset.js';
import { InlineLoader } from '../data/batches.js';
import { Random } from '../random/random.js';
import { evaluationPlan } from '../train/loaders.js';
import { escapeXml } from './chart.js';
import { imageFigure, sheetStyle } from './image-figure.js';
import { list, page, prose } from './page.js';

/** What is shown. */
export interface ContactSheetOptions {
  /** What training images go through; `null` for what they are evaluated by. */
  readonly augmentation: readonly ImageTransform[] | null;
  /** Of the run whose first batch is shown. */
  readonly seed: number;
  /** Pictures of the batch, and of each class at most an even part of as many. */
  readonly pictures: number;
  /** What the first pass over a folder has found. */
  readonly report?: FolderReport;
}

/** An image as a model gets it. */
interface Seen {
  readonly data: Uint8Array;
  readonly label: number;
  /** Where it comes from, if that is known. */
  readonly file?: string;
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
  const chain = options.augmentation ?? dataset.evaluation ?? [];
  const behind = chain.length > 0 ? `, behind ${chain.map(words).join(', ')}` : '';
  const note = `The first images of the first batch of a run with seed ${options.seed}${behind}.`;
  return `<p class="note">${prose(note)}</p>${await sheet(await firstBatch(dataset, options), dataset)}`;
}

/** Pictures as they are evaluated, the first of each class. @throws DataError naming an image that cannot be read */
export async function evaluatedPictures(dataset: ImageDataset, pictures: number): Promise<string> {
  const { kind, split } = followedSplit(dataset);
  const behind = dataset.evaluation ? `, behind ${dataset.evaluation.map(words).join(', ')}` : '';
  const note = `${kind === 'test' ? 'Test' : 'Validation'} images, the first of each class${behind}.`;
  return `<p class="note">${prose(note)}</p>${await sheet(await ofEachClass(dataset, split, pictures), dataset)}`;
}

/** A transform as it is written in code. */
function words({ name, config }: ImageTransform): string {
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(4)) : value;
  const options = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value, short)}`);
  return options.length === 0 ? name : `${name} (${options.join(', ')})`;
}

/** The images that a run begins with, as its loader makes them. */
async function firstBatch(
  dataset: ImageDataset,
  { augmentation, seed, pictures }: ContactSheetOptions,
): Promise<Seen[]> {
  const { train, evaluation } = dataset;
  const random = Random.fromSeed(seed, 'batches').state;
  const transforms = augmentation ?? evaluation;
  const count = Math.min(pictures, imageCount(train));
  const order = Random.fromState(random).fork('order').permutation(imageCount(train));
  const plan = { shuffle: true, random, ...(transforms && { augmentation: transforms }) };
  return seen(dataset, train, order.subarray(0, count), plan);
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
  return seen(dataset, chosen, Uint32Array.from(indices.keys()), evaluationPlan(dataset));
}

/** @param numbers which images the rows of the batch are */
async function seen(
  { imageShape, preprocessing = [] }: ImageDataset,
  images: Images,
  numbers: Uint32Array,
  plan: Pick<BatchPlan, 'shuffle' | 'random' | 'augmentation'>,
): Promise<Seen[]> {
  const loader = new InlineLoader(images, imageShape, { preprocessing });
  const size = imageSize(imageShape);
  const all: Seen[] = [];
  for await (const batch of loader.epoch({ ...plan, batchSize: numbers.length, last: 'drop' })) {
    for (const [row, number] of numbers.entries()) {
      const file = pictureFile(images, number);
      const data = batch.images.slice(row * size, (row + 1) * size);
      all.push({ data, label: batch.labels[row], ...(file !== undefined && { file }) });
    }
    break;
  }
  await loader.close();
  return all;
}

async function sheet(images: readonly Seen[], { classNames, imageShape }: ImageDataset): Promise<string> {
  const figures = await Promise.all(
    images.map(({ data, label, file }) => imageFigure(data, imageShape, [classNames[label]], file)),
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
