/** What is measured: models, batch sizes and optimizers. */
import { createModel } from '../models/registry.js';
import type { ConfigValue, Model } from '../nn/model.js';
import { adam } from '../optim/adam.js';
import type { Optimizer } from '../optim/optimizer.js';
import { sgd } from '../optim/sgd.js';

export interface BenchCase {
  /** As `--cases` names it, such as `resnet18-128`. */
  readonly name: string;
  readonly description: string;
  readonly batchSize: number;
  readonly model: () => Model;
  readonly optimizer: () => Optimizer;
}

/** A case in JSON, for the programs in other languages and libraries that run the same step. */
export interface CaseDescription {
  readonly model: string;
  /** The model's options, complete. */
  readonly config: Readonly<Record<string, ConfigValue>>;
  readonly batchSize: number;
  readonly optimizer: string;
  readonly learningRate: number;
  /** Threads to use; absent for one a core. */
  readonly threads?: number;
}

const case_ = (
  name: string,
  description: string,
  batchSize: number,
  [model, options]: readonly [string, Readonly<Record<string, ConfigValue>>],
  optimizer: () => Optimizer,
): BenchCase => ({
  name,
  description,
  batchSize,
  model: () => createModel(model, options),
  optimizer,
});

const momentum = (): Optimizer => sgd({ learningRate: 0.01, momentum: 0.9 });
const adaptive = (): Optimizer => adam({ learningRate: 0.001 });
const resnet18 = ['resnet18', {}] as const;
const resnet50 = ['resnet50', { stem: 'imagenet', imageSize: 64 }] as const;
const vit96 = ['vit', { width: 96, depth: 4, heads: 3, mlpRatio: 2 }] as const;
const vit192 = ['vit', { width: 192, depth: 6, heads: 3, mlpRatio: 4 }] as const;

export const cases: readonly BenchCase[] = [
  case_('resnet18-32', 'ResNet-18, CIFAR stem, 32x32, SGD', 32, resnet18, momentum),
  case_('resnet18-128', 'ResNet-18, CIFAR stem, 32x32, SGD', 128, resnet18, momentum),
  case_('resnet50-16', 'ResNet-50, ImageNet stem, 64x64, SGD', 16, resnet50, momentum),
  case_('vit96-128', 'ViT, width 96, depth 4, MLP 192, Adam', 128, vit96, adaptive),
  case_('vit192-128', 'ViT, width 192, depth 6, MLP 768, Adam', 128, vit192, adaptive),
];

/** What is measured in a browser: small enough for pages. */
export const browserCases: readonly BenchCase[] = [
  case_('resnet18-w16-32', 'ResNet-18 of width 16, 32x32, SGD', 32, ['resnet18', { width: 16 }], momentum),
  case_('vit96-32', 'ViT, width 96, depth 4, MLP 192, Adam', 32, vit96, adaptive),
];

/** @throws RangeError naming the cases there are */
export function caseNamed(name: string): BenchCase {
  const all = [...cases, ...browserCases];
  const found = all.find((one) => one.name === name);
  if (!found) {
    throw new RangeError(`there is no case "${name}"; there are ${all.map((one) => one.name).join(', ')}`);
  }
  return found;
}

export function describeCase(benchCase: BenchCase, threads?: number): CaseDescription {
  const { name, config } = benchCase.model();
  const { batchSize } = benchCase;
  const { name: optimizer, schedule } = benchCase.optimizer();
  return { model: name, config, batchSize, optimizer, learningRate: schedule.rate(0, 1), threads };
}
