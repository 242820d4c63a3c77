/** The flags of `tract train`. */
import { type Command, Option } from 'commander';
import { type Device, devices } from '../engine/device.js';
import { models } from '../models/registry.js';
import { type TestViews, testViews } from '../nn/test-views.js';
import { type RecipeName, recipes } from '../train/recipes.js';
import type { ResolutionStage } from '../train/progressive.js';
import { DEFAULT_LAMBDA, type Lambda } from '../tract/lambda.js';
import { type CropMode, type Flip, cropModes, flips } from './augmentation.js';
import { type DatasetName, datasetNames } from './dataset-names.js';
import { type OptimizationFlags, addOptimizationFlags } from './optimization-flags.js';
import { lambdaValue, number, oneOf, whole } from './values.js';

export interface TrainFlags extends OptimizationFlags {
  readonly recipe?: RecipeName;
  readonly data: DatasetName;
  readonly dataDir?: string;
  readonly limitTrain?: number;
  readonly limitTest?: number;
  /** The share of the training images that is set aside. */
  readonly validation?: number;
  readonly augment: boolean;
  readonly flip?: Flip;
  readonly cropPadding?: number;
  readonly cropMode?: CropMode;
  readonly model: string;
  readonly width?: number;
  readonly depth?: number;
  readonly stem?: 'cifar' | 'imagenet';
  readonly patch?: number;
  readonly heads?: number;
  readonly mlpRatio?: number;
  readonly dropPath?: number;
  readonly whitening?: boolean;
  readonly weights?: string;
  /** λ; absent without TrAct. */
  readonly tract?: Lambda;
  readonly tractLayer?: string;
  readonly labelSmoothing: number;
  readonly testViews?: TestViews;
  readonly progressive?: readonly ResolutionStage[];
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

const positive = number('a number above 0', (value) => value > 0);
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
export const dataDirOption = (): Option =>
  new Option('--data-dir <folder>', 'folder with the files of CIFAR (default: they are downloaded once)');

/** `on` or `off`. */
const onOrOff = (text: string): boolean => oneOf(['on', 'off'])(text) === 'on';

/** Such as `16:0.3,24:0.6`; what is missing, or too much, is no number. */
function stagesValue(text: string): ResolutionStage[] {
  return text.split(',').map((stage) => {
    const [size, ...until] = stage.split(':');
    return { size: whole(1)(size), until: share(until.join(':')) };
  });
}

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
  command.optionsGroup('Recipe:');
  add(
    '--recipe <name>',
    "what the other flags are, where they are not given: paper (the TrAct paper's settings for CIFAR-10) or speed (airbench94: its network, whitening, Muon, augmentation and evaluation)",
    oneOf(recipes),
  );
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
  add(
    '--flip <how>',
    "mirroring of training images: random, alternating (half of them in every other epoch), none (default: the dataset's)",
    oneOf(flips),
  );
  add('--crop-padding <pixels>', "border of the random crop (default: the dataset's)", whole(0));
  add('--crop-mode <name>', 'what is in that border: zeros or reflect (default: zeros)', oneOf(cropModes));

  command.optionsGroup('Model:');
  add('--model <name>', 'see tract models', oneOf([...models.keys()]), 'resnet18');
  add(
    '--width <number>',
    'resnet: channels after the stem (64); vit: features; mlp: hidden units; airbench: channels of the first block (64)',
    whole(1),
  );
  add('--depth <number>', 'vit: blocks; mlp: hidden layers', whole(1));
  add('--stem <name>', 'resnet: cifar (3x3) or imagenet (7x7, stride 2)', oneOf(['cifar', 'imagenet']));
  add('--patch <pixels>', 'vit: height and width of a patch', whole(1));
  add('--heads <number>', 'vit: attention heads', whole(1));
  add('--mlp-ratio <number>', "vit: hidden features of a block's MLP, as a multiple of the width", positive);
  add(
    '--drop-path <number>',
    'resnet, vit: stochastic depth, the probability that the last block is left out (default: 0)',
    belowOne,
  );
  add(
    '--whitening <on|off>',
    'airbench: whether the filters of the first layer are fixed and whiten images (default: on); off for --tract',
    onOrOff,
  );
  add('--weights <file>', 'start from the weights in a safetensors file, under PyTorch names');

  command.optionsGroup('TrAct:');
  command.addOption(
    new Option('--tract [lambda]', 'train the first layer by TrAct, with this lambda')
      .preset(String(DEFAULT_LAMBDA))
      .argParser(lambdaValue),
  );
  add('--tract-layer <name>', 'the layer it is for, such as conv1 (default: the first)');

  addOptimizationFlags(command);

  command.optionsGroup('Training:');
  add('--label-smoothing <number>', 'share of the target spread over all classes', belowOne, 0);
  add(
    '--progressive <sizes>',
    'progressive resizing: 16:0.3,24:0.6 trains on images of 16 pixels up to 30 % of the run, of 24 up to 60 %, then of their own size; for resnet',
    stagesValue,
  );
  add(
    '--test-views <views>',
    'test-time augmentation, the mean over views of an image: none, flip, flip-shift (default: none)',
    oneOf(testViews),
  );
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
export const freeFlags = new Set(['dataDir', 'device', 'threads', 'json', 'resume']);

/** Flags that may be given with --resume to let the run end elsewhere. */
export const endFlags = new Set(['epochs', 'maxSteps']);
