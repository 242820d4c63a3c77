/** What the page lets people choose about a run, and what is chosen for them. */
import type { OptimizerName, ScheduleName } from '../optim/registry.js';
import { usualWarmup } from '../optim/schedule.js';

export type ModelKind = 'resnet18' | 'vit' | 'mlp' | 'file';
export type Method = 'vanilla' | 'tract';

/** `race` trains both from the same weights on the same batches. */
export type Racing = 'race' | Method;

/** What computes; `auto` is WebGPU where it was seen to be right and not slower. */
export type EngineChoice = 'auto' | 'wasm' | 'webgpu';

export interface Settings {
  readonly model: ModelKind;
  /** Of a built-in model; see `widths`. */
  readonly width: number;
  /** Height and width of the images that are trained on. */
  readonly imageSize: number;
  readonly racing: Racing;
  readonly lambda: number;
  readonly optimizer: StudioOptimizer;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly schedule: ScheduleName;
  /** Steps. */
  readonly warmup: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly labelSmoothing: number;
  readonly crop: boolean;
  readonly flip: boolean;
  readonly colorJitter: boolean;
  readonly randAugment: boolean;
  readonly randomErasing: boolean;
  readonly mixup: boolean;
  readonly engine: EngineChoice;
}

/** Muon wants groups of parameters, which are for the command. */
export type StudioOptimizer = Exclude<OptimizerName, 'muon' | 'lamb'>;
export const studioOptimizers: readonly StudioOptimizer[] = ['sgd', 'adam', 'adamw', 'lion'];

/** Learning rates for a batch of 128; few pictures are seen in smaller ones. */
export const usualRates: Readonly<Record<StudioOptimizer, number>> = {
  sgd: 0.08,
  adam: 0.001,
  adamw: 0.001,
  lion: 0.0001,
};

/** Built-in models as they are offered, with widths that train in a tab. */
export const modelKinds: readonly {
  readonly kind: Exclude<ModelKind, 'file'>;
  readonly label: string;
  readonly about: string;
  readonly widths: readonly number[];
  readonly width: number;
  readonly optimizer: StudioOptimizer;
}[] = [
  {
    kind: 'resnet18',
    label: 'ResNet-18, narrow',
    about: 'A convolutional network. The best choice for most pictures, and the one that TrAct helps most.',
    widths: [8, 16, 32, 64],
    width: 16,
    optimizer: 'sgd',
  },
  {
    kind: 'vit',
    label: 'ViT, small',
    about: 'A vision transformer: cuts a picture into patches that look at each other. Wants more pictures.',
    widths: [48, 96, 192],
    width: 96,
    optimizer: 'adam',
  },
  {
    kind: 'mlp',
    label: 'MLP',
    about:
      'Plain layers on the pixels. The fastest, and the one that learns least: it knows nothing of neighbourhood. TrAct was not seen to help it.',
    widths: [64, 256, 512],
    width: 256,
    optimizer: 'sgd',
  },
];

export const imageSizes: readonly number[] = [32, 48, 64, 96, 128];

/** What training begins with unless something else is chosen. */
export const usualSettings: Settings = {
  model: 'resnet18',
  width: 16,
  imageSize: 32,
  racing: 'race',
  lambda: 0.1,
  optimizer: 'sgd',
  learningRate: usualRates.sgd,
  weightDecay: 0,
  schedule: 'cosine',
  warmup: 0,
  epochs: 2,
  batchSize: 128,
  seed: 0,
  labelSmoothing: 0,
  crop: true,
  flip: true,
  colorJitter: false,
  randAugment: false,
  randomErasing: false,
  mixup: false,
  engine: 'auto',
};

/** Steps that a run of few pictures has at least. */
const ENOUGH_STEPS = 200;
/** Images in a batch, where there are enough. */
const LARGEST_BATCH = 128;
const MOST_EPOCHS = 60;

/**
 * Batch size, epochs, learning rate and warm-up for so many training images: few pictures are seen more often, in smaller
 * batches, and a smaller batch gets a smaller rate.
 */
export function settingsFor(
  settings: Settings,
  trainImages: number,
): Pick<Settings, 'batchSize' | 'epochs' | 'learningRate' | 'warmup'> {
  let batchSize = LARGEST_BATCH;
  while (batchSize > 4 && batchSize * 8 > trainImages) batchSize /= 2;
  const stepsPerEpoch = Math.max(1, Math.floor(trainImages / batchSize));
  const many = Math.min(MOST_EPOCHS, Math.max(2, Math.ceil(ENOUGH_STEPS / stepsPerEpoch)));
  const epochs = stepsPerEpoch >= ENOUGH_STEPS / 3 ? 2 : many;
  return {
    batchSize,
    epochs,
    learningRate: usualRates[settings.optimizer] * (batchSize / LARGEST_BATCH),
    warmup: usualWarmup(epochs * stepsPerEpoch, stepsPerEpoch),
  };
}

export const methodsOf = ({ racing }: Settings): readonly Method[] =>
  racing === 'race' ? ['vanilla', 'tract'] : [racing];

export const methodNames: Readonly<Record<Method, string>> = { vanilla: 'Vanilla', tract: 'TrAct' };
