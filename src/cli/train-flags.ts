/** The flags of `tract train`. */
import { type Command, Option } from 'commander';
import { type Device, devices } from '../engine/device.js';
import { models } from '../models/registry.js';
import { type OptimizerName, type ScheduleName, optimizers, schedules } from '../optim/registry.js';
import { DEFAULT_LAMBDA, type Lambda } from '../tract/lambda.js';
import { dataWords, datasetNames, isDatasetName } from './dataset-names.js';
import { UsageError } from './errors.js';
import { colour, lambdaValue, number, oneOf, oneOfOrPath, whole } from './values.js';

/** Which images are trained on, and how they are shown. */
export interface DataFlags {
  /** A dataset's name, or the path of a folder or a table of pictures. */
  readonly data: string;
  readonly dataDir?: string;
  readonly limitTrain?: number;
  readonly limitTest?: number;
  /** The share of the training images that is set aside. */
  readonly validation?: number;
  readonly augment: boolean;
  /** Magnitude. */
  readonly randAugment?: number;
  /** Strength. */
  readonly colorJitter?: number;
  /** Probability. */
  readonly randomErasing?: number;
  readonly imageSize?: number;
  readonly background?: string;
  readonly workers?: number;
  readonly cacheSize?: number;
  readonly seed: number;
}

export interface TrainFlags extends DataFlags {
  readonly model: string;
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
  readonly mixup?: number;
  readonly cutmix?: number;
  readonly epochs: number;
  readonly maxSteps?: number;
  readonly batchSize: number;
  readonly device: Device;
  readonly threads?: number;
  readonly out?: string;
  readonly resume?: string;
  readonly json?: boolean;
}

/** The learning rates and the momentum that are used unless others are asked for. */
export const defaultRates: Readonly<Record<OptimizerName, number>> = { sgd: 0.08, adam: 0.001, adamw: 0.001 };
export const DEFAULT_MOMENTUM = 0.9;

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
  new Option('--data <name>', dataWords).argParser(oneOfOrPath(datasetNames));
export const dataDirOption = (): Option =>
  new Option('--data-dir <folder>', 'folder with the files of CIFAR (default: they are downloaded once)');

export const workersOption = (): Option =>
  new Option(
    '--workers <number>',
    'threads that read the pictures of a folder (default: one less than cores)',
  ).argParser(whole(1));
export const cacheSizeOption = (): Option =>
  new Option(
    '--cache-size <MB>',
    'what decoded pictures of folders may take on the disk (default: 4000; 0 keeps none)',
  ).argParser(whole(0));

/** @throws UsageError for flags of folders, where the data are none */
export function checkFolderFlags(data: string, flags: Pick<TrainFlags, 'imageSize' | 'background'>): void {
  if (!isDatasetName(data)) return;
  const given = flags.imageSize !== undefined ? '--image-size' : '--background';
  if (flags.imageSize === undefined && flags.background === undefined) return;
  throw new UsageError(`${given} is for folders of pictures, not for ${data}`);
}

type Add = (flags: string, description: string, parse?: (text: string) => unknown, value?: unknown) => void;

const adderTo =
  (command: Command): Add =>
  (flags, description, parse, value) => {
    const option = new Option(flags, description);
    if (parse) option.argParser(parse);
    if (value !== undefined) option.default(value);
    command.addOption(option);
  };

/** Adds the flags of `DataFlags`, but for the seed. */
export function addDataFlags(command: Command): Command {
  const add = adderTo(command);
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
  command.addOption(
    new Option(
      '--rand-augment [magnitude]',
      'also vary training images by RandAugment, two operations of 0 to 30',
    )
      .preset('9')
      .argParser(
        number(
          'a whole number from 0 to 30',
          (value) => Number.isInteger(value) && value >= 0 && value <= 30,
        ),
      ),
  );
  add(
    '--color-jitter <strength>',
    'also vary brightness, contrast and saturation by up to this factor, hue by a quarter of it',
    number('a number from 0 to 2', (value) => value >= 0 && value <= 2),
  );
  add(
    '--random-erasing <probability>',
    'also erase a random rectangle of training images',
    number('a number from 0 to 1', (value) => value >= 0 && value <= 1),
  );
  add(
    '--image-size <pixels>',
    'of pictures in a folder: height and width (default: as they are, 224 at most)',
    whole(1),
  );
  add(
    '--background <colour>',
    'of pictures in a folder: what transparency is laid over (default: #ffffff)',
    colour,
  );
  command.addOption(workersOption()).addOption(cacheSizeOption());
  return command;
}

/** Adds the flags, in groups. */
export function addTrainFlags(command: Command): Command {
  const add = adderTo(command);
  addDataFlags(command);

  command.optionsGroup('Model:');
  add('--model <name>', 'see tract models', oneOf([...models.keys()]), 'resnet18');
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
  add('--mixup <alpha>', 'mix training images and their labels in pairs, such as 0.2', positive);
  add(
    '--cutmix <alpha>',
    'exchange rectangles of training images in pairs, such as 1; with --mixup either, by chance',
    positive,
  );
  add('--batch-size <images>', 'images of a step', whole(1), 128);
  add('--epochs <number>', 'passes over the training images', whole(1), 5);
  add('--max-steps <number>', 'end after this many steps', whole(1));
  add('--seed <number>', 'of initial weights, order, augmentation, and the images set aside', whole(0), 0);

  command.optionsGroup('Run:');
  add('--out <folder>', 'where the run is kept (default: runs/<data>-<model>…)');
  add(
    '--resume <run>',
    'continue a run: its folder or last checkpoint; with it go the flags of this group, --data-dir, --workers, --cache-size, --data where a folder of pictures has been moved, and --epochs and --max-steps, which set a new end: from there on the schedule is that of the new number of steps',
  );
  return command.addOption(deviceOption()).addOption(threadsOption()).addOption(jsonOption());
}

/** Flags that may be given with --resume: they change nothing of what is computed, or name the run itself. */
export const freeFlags = new Set(['dataDir', 'workers', 'cacheSize', 'device', 'threads', 'json', 'resume']);

/** Flags that may be given with --resume to let the run end elsewhere. */
export const endFlags = new Set(['epochs', 'maxSteps']);
