/** Whole recipes: model, optimizer, augmentation and evaluation that were found to go together. */
import { alternatingFlip } from '../data/alternating-flip.js';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import { type AirbenchOptions, airbench } from '../models/airbench.js';
import { type ResNetOptions, resnet18 } from '../models/resnet.js';
import { type VitOptions, vit } from '../models/vit.js';
import type { Model } from '../nn/model.js';
import { adam } from '../optim/adam.js';
import type { ParameterGroup } from '../optim/groups.js';
import { groupsFor } from '../optim/model-groups.js';
import { muon } from '../optim/muon.js';
import type { Optimizer } from '../optim/optimizer.js';
import { cosine, linear } from '../optim/schedule.js';
import { sgd } from '../optim/sgd.js';
import type { RunOptions, TrainerOptions } from './options.js';

/** What `Trainer.create` and `fit` are given. */
export interface Recipe {
  readonly model: Model;
  readonly options: TrainerOptions;
  readonly run: RunOptions;
}

/** The recipes by name, as the command knows them. */
export const recipes = ['paper', 'speed'] as const;
/** One of `recipes`. */
export type RecipeName = (typeof recipes)[number];

/** What airbench94 is trained with, of images of CIFAR-10. */
export const speed = {
  batchSize: 2000,
  epochs: 8,
  learningRate: 0.24,
  momentum: 0.6,
  iterations: 3,
  labelSmoothing: 0.2,
  cropPadding: 2,
} as const;

/** What biases and the last layer are trained with; rates are those of a loss that is summed over the batch. */
const BIAS_RATE = 0.053;
const HEAD_RATE = 0.67;
const REST_MOMENTUM = 0.85;
/** Of an image: the decay of a step is this times the batch, whatever the rate. */
const DECAY = 2e-6;
/** The share of the run in which the bias of the whitening layer is trained. */
const WHITEN_SHARE = 3 / 8;

/** How the recipe `speed` optimizes. */
export interface SpeedOptimizationOptions {
  /** Images of a step. Default 2000. */
  readonly batchSize?: number;
  /** Of Muon. Default 0.24. */
  readonly learningRate?: number;
}

/**
 * The optimizers of airbench94 for its network: Muon with normalised weights for the filters; Nesterov's momentum for the
 * biases of norms, the last layer, and the bias of the whitening layer, whose rate is 0 from three eighths of the run on.
 * All rates fall in a straight line. Where airbench sums the loss over the batch, here it is the mean: rates are multiplied
 * by the batch size.
 */
export function speedOptimization({
  batchSize = speed.batchSize,
  learningRate = speed.learningRate,
}: SpeedOptimizationOptions = {}): Pick<TrainerOptions, 'optimizer' | 'groups'> {
  const { momentum, iterations } = speed;
  return {
    optimizer: muon({ learningRate: linear(learningRate), momentum, iterations, normalizeWeights: true }),
    groups: groupsFor({ groups: speedGroups(batchSize) }),
  };
}

/** The groups of what Muon does not train in airbench's network. */
export function speedGroups(batchSize: number): ParameterGroup[] {
  const rest = (rate: number, share = 1): Optimizer =>
    sgd({
      learningRate: linear(rate * batchSize, { share }),
      momentum: REST_MOMENTUM,
      nesterov: true,
      weightDecay: DECAY / rate,
    });
  return [
    { parameters: 'whiten.bias', optimizer: rest(BIAS_RATE, WHITEN_SHARE) },
    { parameters: 'norm', optimizer: rest(BIAS_RATE) },
    { parameters: 'head', optimizer: rest(HEAD_RATE) },
  ];
}

/** Options of a recipe's model, and of its run. */
export interface SpeedRecipeOptions extends AirbenchOptions, SpeedOptimizationOptions {
  /** Default 8. */
  readonly epochs?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * airbench94 with Muon (Jordan, 2024): 94 % on CIFAR-10 in eight epochs of its small network. Batches of 2,000, whitening,
 * alternating flips, crops with mirrored borders, label smoothing of 0.2, and the mean over six views in evaluation.
 *
 * @throws OptionError for an option out of range
 */
export function speedRecipe(options: SpeedRecipeOptions = {}): Recipe {
  const { batchSize = speed.batchSize, learningRate, epochs = speed.epochs, seed = 0, ...model } = options;
  return {
    model: airbench(model),
    options: {
      ...speedOptimization({ batchSize, ...(learningRate !== undefined && { learningRate }) }),
      batchSize,
      labelSmoothing: speed.labelSmoothing,
      seed,
      testViews: 'flip-shift',
    },
    run: {
      epochs,
      augmentation: [
        randomCrop({ padding: speed.cropPadding, paddingMode: 'reflect' }),
        alternatingFlip({ seed }),
      ],
    },
  };
}

/** Options of the paper's recipe. */
export interface PaperRecipeOptions {
  /** Default `resnet18`. */
  readonly architecture?: 'resnet18' | 'vit';
  readonly model?: ResNetOptions & VitOptions;
  /** The paper has 100, 200, 400 and 800. Default 100. */
  readonly epochs?: number;
  /** Default 0. */
  readonly seed?: number;
}

/** The rates of the paper's runs on CIFAR-10. */
export const paper = {
  batchSize: 128,
  epochs: 100,
  resnetRate: 0.08,
  vitRate: 0.001,
  momentum: 0.9,
} as const;

/**
 * How the paper trains on CIFAR-10 (Petersen, Borgelt and Ermon, 2024): a ResNet-18 by SGD with momentum, a small ViT by
 * Adam; half a cosine wave without warm-up, batches of 128, crops and flips, no weight decay, nothing set aside. `tract`
 * of the model is what the paper is about.
 *
 * @throws OptionError for an option out of range
 */
export function paperRecipe(options: PaperRecipeOptions = {}): Recipe {
  const { architecture = 'resnet18', model, epochs = paper.epochs, seed = 0 } = options;
  const residual = architecture === 'resnet18';
  return {
    model: residual ? resnet18(model) : vit(model),
    options: {
      optimizer: residual
        ? sgd({ learningRate: cosine(paper.resnetRate), momentum: paper.momentum })
        : adam({ learningRate: cosine(paper.vitRate) }),
      batchSize: paper.batchSize,
      seed,
    },
    run: { epochs, augmentation: [randomCrop({ padding: 4 }), randomHorizontalFlip()] },
  };
}
