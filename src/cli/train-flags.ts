/** The flags of `tract train`. */
import { type Command, Option } from 'commander';
import { type Device, devices } from '../engine/device.js';
import { models } from '../models/registry.js';
import { type TestViews, testViews } from '../nn/test-views.js';
import { type RecipeName, recipes } from '../train/recipes.js';
import type { ResolutionStage } from '../train/progressive.js';
import { type AugmentationFlags, type MixingFlags, cropModes, crops, flips } from './augmentation.js';
import { type ClassWeightsFlag, classWeightsValue } from './class-weights.js';
import { dataWords, datasetNames, isDatasetName } from './dataset-names.js';
import { UsageError } from './errors.js';
import { type OptimizationFlags, addOptimizationFlags } from './optimization-flags.js';
import { type TractFlags, addTractFlags } from './tract-flags.js';
import { colour, names, number, oneOf, oneOfOrPath, whole } from './values.js';

/** Which images are trained on, and how they are shown. */
export interface DataFlags extends AugmentationFlags {
  /** A dataset's name, or the path of a folder or a table of pictures. */
  readonly data: string;
  readonly dataDir?: string;
  readonly limitTrain?: number;
  readonly limitTest?: number;
  /** The share of the training images that is set aside. */
  readonly validation?: number;
  readonly imageSize?: number;
  readonly background?: string;
  readonly workers?: number;
  readonly cacheSize?: number;
}

export interface TrainFlags extends DataFlags, MixingFlags, OptimizationFlags, TractFlags {
  readonly recipe?: RecipeName;
  readonly model: string;
  readonly head?: readonly string[];
  readonly batchNorm?: 'keep' | 'insert';
  readonly width?: number;
  readonly depth?: number;
  readonly stem?: 'cifar' | 'imagenet';
  readonly patch?: number;
  readonly heads?: number;
  readonly mlpRatio?: number;
  readonly dropPath?: number;
  readonly zeroInitResidual?: boolean;
  readonly whitening?: boolean;
  readonly weights?: string;
  readonly labelSmoothing: number;
  readonly classWeights?: ClassWeightsFlag;
  readonly testViews?: TestViews;
  readonly progressive?: readonly ResolutionStage[];
  readonly epochs: number;
  readonly maxSteps?: number;
  readonly batchSize: number;
  readonly shards?: number;
  readonly device: Device;
  readonly threads?: number;
  readonly out?: string;
  readonly resume?: string;
  /** Of `tract train`. */
  readonly report?: boolean;
  readonly json?: boolean;
}

/** Whether the name of a model means a file. */
export const isModelFile = (name: string): boolean => name.toLowerCase().endsWith('.onnx');

const modelName = (text: string): string => (isModelFile(text) ? text : oneOf([...models.keys()])(text));

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
  new Option('--data <name>', dataWords).argParser(oneOfOrPath(datasetNames));
export const headOption = (): Option =>
  new Option(
    '--head <names>',
    '.onnx: the weight of the layer that is replaced by a new one, or of several that make the logits together (default: for another number of classes those before the output)',
  ).argParser(names);
export const batchNormOption = (): Option =>
  new Option(
    '--batch-norm <what>',
    '.onnx: keep, or insert batch norm behind every convolution where an exporter folded it: what the model gives in inference stays, while the first training step normalises by its batch already',
  ).argParser(oneOf(['keep', 'insert']));
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

/** `on` or `off`. */
const onOrOff = (text: string): boolean => oneOf(['on', 'off'])(text) === 'on';

/** Such as `16:0.3,24:0.6`; what is missing, or too much, is no number. */
function stagesValue(text: string): ResolutionStage[] {
  return text.split(',').map((stage) => {
    const [size, ...until] = stage.split(':');
    return { size: whole(1)(size), until: share(until.join(':')) };
  });
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
  add(
    '--limit-train <images>',
    'train on the first images only; of a folder, on some of every class',
    whole(1),
  );
  add(
    '--limit-test <images>',
    'test on the first images only; of a folder, on some of every class',
    whole(1),
  );
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
  add(
    '--flip <how>',
    "mirroring of training images: random, alternating (half of them in every other epoch), none (default: the dataset's)",
    oneOf(flips),
  );
  add(
    '--crop <how>',
    "of training images: resized (a random part in another shape, scaled to the size), padding (moved by a few pixels), none (default: the dataset's)",
    oneOf(crops),
  );
  add('--crop-scale <share>', 'resized: the least share of the area that a part has (default: 0.08)', share);
  add(
    '--crop-padding <pixels>',
    "padding: by how many at most (default: the dataset's, else an eighth of the size)",
    whole(0),
  );
  add(
    '--crop-mode <name>',
    'padding: what comes in at the border, zeros or reflect (default: zeros)',
    oneOf(cropModes),
  );
  return command;
}

export const batchSizeOption = (): Option =>
  new Option('--batch-size <images>', 'images of a step').argParser(whole(1)).default(128);

/** Adds the flags of `MixingFlags`. */
export function addMixingFlags(command: Command): Command {
  const add = adderTo(command);
  add('--mixup <alpha>', 'mix training images and their labels in pairs, such as 0.2', positive);
  add(
    '--cutmix <alpha>',
    'exchange rectangles of training images in pairs, such as 1; with --mixup either, by chance',
    positive,
  );
  return command;
}

/** Adds the flags, in groups. */
export function addTrainFlags(command: Command): Command {
  const add = adderTo(command);
  command.optionsGroup('Recipe:');
  add(
    '--recipe <name>',
    "what the other flags are, where they are not given: paper (the TrAct paper's settings for CIFAR-10) or speed (airbench94: its network, whitening, Muon, augmentation and evaluation)",
    oneOf(recipes),
  );
  addDataFlags(command);

  command.optionsGroup('Model:');
  add('--model <name>', 'see tract models; or an .onnx file, see tract check', modelName, 'resnet18');
  command.addOption(headOption());
  command.addOption(batchNormOption());
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
    '--zero-init-residual <on|off>',
    'resnet: whether every block begins as its shortcut, the last scale of its branch being 0 (default: off)',
    onOrOff,
  );
  add(
    '--whitening <on|off>',
    'airbench: whether the filters of the first layer are fixed and whiten images (default: on); off for --tract',
    onOrOff,
  );
  add('--weights <file>', 'start from the weights in a safetensors file, under PyTorch names');

  addTractFlags(command);
  addOptimizationFlags(command);

  command.optionsGroup('Training:');
  add('--label-smoothing <number>', 'share of the target spread over all classes', belowOne, 0);
  add(
    '--class-weights <weights>',
    'how much each class counts in the loss: balanced (the less images it has, the more), or numbers by class, such as cat=2,dog=0.5, 1 for the others',
    classWeightsValue,
  );
  addMixingFlags(command);
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
  command.addOption(batchSizeOption());
  add(
    '--shards <number>',
    'into how many shards a batch is cut, whose gradients are added: one after the other, or in several processes, which mpirun starts; what is computed depends on this number, not on that of processes (default: one a process)',
    whole(1),
  );
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
export const freeFlags = new Set([
  ...['dataDir', 'workers', 'cacheSize', 'device', 'threads', 'json', 'resume', 'patience', 'report'],
]);

/** Flags that may be given with --resume to let the run end elsewhere. */
export const endFlags = new Set(['epochs', 'maxSteps']);
