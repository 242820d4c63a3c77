/** A small run of which configurations and checkpoints are made, valid in every entry. */
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageDataset } from '../data/dataset.js';
import { centerCrop } from '../data/resize.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { cosine } from '../optim/schedule.js';
import { zeros } from '../tensor/tensor.js';
import { tract } from '../tract/tract.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { describeRun } from '../train/run-config.js';
import { modelTensors } from '../train/step-graph.js';
import { emaName, slotName } from '../train/training-graph.js';

const split = (images: number) => ({ images: new Uint8Array(images * 4), labels: new Uint8Array(images) });

const dataset: ImageDataset = {
  name: 'dots',
  classNames: ['black', 'white', 'grey'],
  imageShape: [1, 2, 2],
  mean: [0.5],
  deviation: [0.25],
  augmentation: [randomCrop({ padding: 1 }), randomHorizontalFlip()],
  evaluation: [centerCrop({ size: 2 })],
  folder: {
    path: '/pictures/dots',
    size: [2, 2],
    decoding: { channels: 1, cover: [3, 3], cut: false, background: '#ffffff' },
    drawn: { share: 0.2, seed: 0 },
    fingerprint: '0123456789abcdef0123456789abcdef',
  },
  train: split(40),
  test: split(8),
};

/** A run of a network of one small hidden layer, with or without TrAct; it stands in its second epoch. */
export function exampleRun(withTract: boolean): Checkpoint {
  const plain = mlp({ classes: 3, channels: 1, imageSize: 2, width: 3, depth: 1 });
  const given = withTract ? tract(plain, { lambda: { relative: 0.1 } }) : plain;
  const optimizer = sgd({ learningRate: cosine(0.1), momentum: 0.9, weightDecay: 1e-4 });
  const training = {
    optimizer,
    batchSize: 8,
    seed: 7,
    labelSmoothing: 0.1,
    mixing: { mixup: 0.2 },
    classWeights: dataset.classNames.map((_, i) => i + 1),
    ...(withTract && { emaDecay: 0.9, stages: [{ parameters: 'head', epochs: 1 }, { epochs: 4 }] }),
  };
  const config = describeRun(given, training, dataset, { epochs: 5, ...(withTract && { maxSteps: 20 }) });
  const weights = modelTensors(plain);
  const tensors = Object.entries(weights).flatMap(([name, { dtype, shape }]) => [
    [name, zeros(dtype, shape)] as const,
    ...optimizer.slots.map((slot) => [slotName(name, slot.name), zeros(dtype, shape)] as const),
    ...(withTract ? [[emaName(name), zeros(dtype, shape)] as const] : []),
  ]);
  const { mean, deviation } = dataset;
  return {
    config,
    state: {
      tensors: Object.fromEntries(tensors),
      weightNames: Object.keys(weights),
      progress: {
        epoch: 1,
        stepInEpoch: 2,
        step: 7,
        lossSum: 3.5,
        correctSum: 9,
        bestAccuracy: 0.5,
        random: [1, -2, 3, 4],
        ...(withTract && { stage: { index: 1, step: 5 } }),
      },
      standardization: { mean, deviation },
    },
  };
}
