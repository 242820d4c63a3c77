/**
 * The process that reads pictures, trains on them, or both, an epoch a step of the protocol:
 * `node loading-process.js '{"folder": "photos", …}'`
 */
import process from 'node:process';
import { imageFolder } from '../data/folder/image-folder.js';
import type { Batch } from '../data/loader.js';
import { resnet18 } from '../models/resnet.js';
import { sgd } from '../optim/sgd.js';
import { Random } from '../random/random.js';
import { loaderOf } from '../train/loaders.js';
import { Trainer } from '../train/trainer.js';
import { serve } from './serve.js';

export interface LoadingRequest {
  readonly folder: string;
  readonly cacheDir: string;
  readonly size: number;
  readonly batchSize: number;
  readonly workers: number;
  /** Whether pixels are kept, or pictures decoded in every epoch. */
  readonly kept: boolean;
  /** What is done with batches; `memory` trains on those of one epoch, again and again. */
  readonly training: 'none' | 'streamed' | 'memory';
  /** Of the step. */
  readonly threads?: number;
}

const request = JSON.parse(process.argv[2]) as LoadingRequest;
const { folder, cacheDir, size, batchSize, workers, kept, training, threads } = request;
const began = performance.now();
const dataset = await imageFolder(folder, {
  size,
  workers,
  cacheDir,
  testShare: 1,
  ...(!kept && { cacheBytes: 0 }),
});
const { train, augmentation, mean, deviation, classNames } = dataset;
const loader = loaderOf(dataset, train);
const random = Random.fromSeed(0);
const trainer =
  training === 'none'
    ? undefined
    : await Trainer.create(
        resnet18({ classes: classNames.length, stem: 'imagenet', width: 16, imageSize: size }),
        {
          optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }),
          batchSize,
          standardization: { mean, deviation },
          ...(threads !== undefined && { threads }),
        },
      );
let epochs = 0;

async function* streamed(): AsyncGenerator<Batch> {
  const epoch = random.fork(`epoch ${epochs++}`).state;
  yield* loader.epoch({ batchSize, shuffle: true, last: 'drop', random: epoch, augmentation });
}

const remembered: { images: Uint8Array; labels: Int32Array }[] = [];

async function epoch(): Promise<void> {
  const batches = training === 'memory' && remembered.length > 0 ? remembered : streamed();
  for await (const { images, labels } of batches) {
    if (training === 'memory' && batches !== remembered)
      remembered.push({ images: images.slice(), labels: labels.slice() });
    await trainer?.step({ images, labels });
  }
}

await epoch();
await serve({ firstStepMilliseconds: performance.now() - began }, epoch);
await loader.close();
await trainer?.release();
