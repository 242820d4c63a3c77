/** The flags of `tract train`. */
import { type Command, Option } from 'commander';
import { type Device, devices } from '../engine/device.js';
import { models } from '../models/registry.js';
import { type OptimizerName, type ScheduleName, optimizers, schedules } from '../optim/registry.js';
import { DEFAULT_LAMBDA, type Lambda } from '../tract/lambda.js';
import type { FineTuningFlags } from './fine-tuning.js';
import { type DatasetName, datasetNames } from './dataset-names.js';
import { lambdaValue, number, oneOf, whole } from './values.js';

export interface TrainFlags extends FineTuningFlags {
  readonly data: DatasetName;
  readonly dataDir?: string;
  readonly limitTrain?: number;
  readonly limitTest?: number;
  /** The share of the training images that is set aside. */
  readonly validation?: number;
  readonly augment: boolean;
  readonly model: string;
  readonly head?: string;
  readonly batchNorm?: 'keep' | 'insert';
  readonly width?: number;
  readonly depth?: number;
  readonly stem?: 'cifar' | 'imagenet';
  readonly patch?: number;
  readonly heads?: number;
  readonly mlpRatio?: number;
  readonly weights?: string;
  /** λ; absent without TrAct. */
  readonly tract?: Lambda;
  readonly tractLayer?: string;
  readonly optimizer: OptimizerName;
  readonly lr?: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
  readonly schedule: ScheduleName;
  readonly warmup: number;
  readonly labelSmoothing: number;
  readonly epochs: number;
  readonly maxSteps?: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly device: Device;
  readonly threads?: number;
  readonly out?: string;
  readonly resume?: string;
  readonly json?: boolean;
}

/** The learning rates and the momentum that are used unless others are asked for. */
export const defaultRates: Readonly<Record<OptimizerName, number>> = { sgd: 0.08, adam: 0.001, adamw: 0.001 };
export const DEFAULT_MOMENTUM = 0.9;

/** Whether the name of a model means a file. */
export const isModelFile = (name: string): boolean => name.toLowerCase().endsWith('.onnx');

const modelName = (text: string): string => (isModelFile(text) ? text : oneOf([...models.keys()])(text));

const positive = number('a number above 0', (value) => value > 0);
const notNegative = number('a number of at least 0', (value) => value >= 0);
const share = number('a number above 0 and below 1', (value) => value > 0 && value < 1);
const belowOne = number('a number of at least 0 and below 1', (value) => value >= 0 && value < 1);

export const deviceOption = (): Option =>
  new Option('--device <name>', `where to compute: ${devices.join(', ')}`)
    .argParser(oneOf(devices))
    .default('cpu');
export const threadsOption = (): Option =>
  new Option('--threads <number>', 'threads of an operator (default: one a core)').argParser(whole(1));
export const jsonOption = (): Option =>
  new Option('--json', 'print JSON lines on stdout, and nothing else there');
export const dataOption = (): Option =>
  new Option('--data <name>', `dataset: ${datasetNames.join(', ')}`).argParser(oneOf(datasetNames));
export const batchNormOption = (): Option =>
  new Option(
    '--batch-norm <what>',
    '.onnx: keep, or insert batch norm behind every convolution where an exporter folded it',
  ).argParser(oneOf(['keep', 'insert']));
export const dataDirOption = (): Option =>
  new Option('--data-dir <folder>', 'folder with the files of CIFAR (default: they are downloaded once)');

/** Adds the flags, in groups. */
export function addTrainFlags(command: Command): Command {
  const add = (
    flags: string,
    description: string,
    parse?: (text: string) => unknown,
    value?: unknown,
  ): void => {
    const option = new Option(flags, description);
    if (parse) option.argParser(parse);
    if (value !== undefined) option.default(value);
    command.addOption(option);
  };
  command.optionsGroup('Data:');
  command.addOption(dataOption().default('shapes')).addOption(dataDirOption());
  add('--limit-train <images>', 'train on the first images only', whole(1));
  add('--limit-test <images>', 'test on the first images only', whole(1));
  add(
    '--validation <share>',
    'set this share of the training images aside, class by class, such as 0.1: curves are on these images, and the best epoch is chosen on them; without it curves are on the test images, and nothing is chosen',
    share,
  );
  add('--no-augment', 'show training images as they are: no random crop, no flip');

  command.optionsGroup('Model:');
  add('--model <name>', 'see tract models; or an .onnx file, see tract check', modelName, 'resnet18');
  add('--head <name>', '.onnx: the weight of the layer that is replaced for another number of classes');
  command.addOption(batchNormOption());
  add('--width <number>', 'resnet: channels after the stem (64); vit: features; mlp: hidden units', whole(1));
  add('--depth <number>', 'vit: blocks; mlp: hidden layers', whole(1));
  add('--stem <name>', 'resnet: cifar (3x3) or imagenet (7x7, stride 2)', oneOf(['cifar', 'imagenet']));
  add('--patch <pixels>', 'vit: height and width of a patch', whole(1));
  add('--heads <number>', 'vit: attention heads', whole(1));
  add('--mlp-ratio <number>', "vit: hidden features of a block's MLP, as a multiple of the width", positive);
  add('--weights <file>', 'start from the weights in a safetensors file, under PyTorch names');

  command.optionsGroup('TrAct:');
  command.addOption(
    new Option('--tract [lambda]', 'train the first layer by TrAct, with this lambda')
      .preset(String(DEFAULT_LAMBDA))
      .argParser(lambdaValue),
  );
  add('--tract-layer <name>', 'the layer it is for, such as conv1 (default: the first)');

  command.optionsGroup('Optimization:');
  add('--optimizer <name>', optimizers.join(', '), oneOf(optimizers), 'sgd');
  const rates = optimizers.map((name) => `${defaultRates[name]} for ${name}`).join(', ');
  add('--lr <rate>', `highest learning rate (default: ${rates})`, positive);
  add('--momentum <number>', `for sgd (default: ${DEFAULT_MOMENTUM})`, belowOne);
  add('--nesterov', 'Nesterov momentum, for sgd');
  add('--weight-decay <number>', 'default: 0.01 for adamw, else 0', notNegative);
  add('--schedule <name>', `of the learning rate: ${schedules.join(', ')}`, oneOf(schedules), 'cosine');
  add('--warmup <steps>', 'steps in which the learning rate first grows', whole(0), 0);
  add('--label-smoothing <number>', 'share of the target spread over all classes', belowOne, 0);
  add('--batch-size <images>', 'images of a step', whole(1), 128);
  add('--epochs <number>', 'passes over the training images', whole(1), 5);
  add('--max-steps <number>', 'end after this many steps', whole(1));
  add('--seed <number>', 'of initial weights, order, augmentation, and the images set aside', whole(0), 0);

  command.optionsGroup('Run:');
  add('--out <folder>', 'where the run is kept (default: runs/<data>-<model>…)');
  add(
    '--resume <run>',
    'continue a run: its folder or last checkpoint; with it go the flags of this group, --data-dir, and --epochs and --max-steps, which set a new end: from there on the schedule is that of the new number of steps',
  );
  return command.addOption(deviceOption()).addOption(threadsOption()).addOption(jsonOption());
}

/** Flags that may be given with --resume: they change nothing of what is computed, or name the run itself. */
export const freeFlags = new Set(['dataDir', 'device', 'threads', 'json', 'resume', 'patience']);

/** Flags that may be given with --resume to let the run end elsewhere. */
export const endFlags = new Set(['epochs', 'maxSteps']);
