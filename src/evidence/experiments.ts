/** The experiments of docs/results.md whose records are kept: each a comparison, and what it takes to repeat it. */

export interface Experiment {
  /** Of its folder in `evidence`, and of its place in docs/results.md. */
  readonly name: string;
  /** Of `tract compare`, without `--seeds`, and without where files are. */
  readonly parameters: readonly string[];
  readonly seeds: readonly number[];
  /** Of an operator; default 1. */
  readonly threads?: number;
  /** Whether it stands beside the runs of `bench/peers/airbench.py`, the same recipe in PyTorch. */
  readonly besideAirbench?: true;
  /** Of `tract train`: what is trained first, exported, and given as `--model`; else models begin with random weights. */
  readonly pretraining?: readonly string[];
}

const cifar = ['--data', 'cifar10'];
const narrow = [...cifar, '--model', 'resnet18', '--width', '16'];
const resnet18 = [...cifar, '--model', 'resnet18'];
/** After every epoch of 390 steps, and nowhere else. */
const byEpoch = ['--eval-every', '390'];
const oneEpoch = [...resnet18, '--epochs', '1', '--eval-every', '195'];
const fiveEpochs = [...resnet18, '--epochs', '5', ...byEpoch];
const adam = ['--optimizer', 'adam', '--lr', '0.01'];
/** Of SGD: what is chosen for a ResNet of full width and for a narrow one, and what was usual before. */
const decay = ['--weight-decay', '0.0005'];
const chosen = ['--lr', '0.04', ...decay];
const chosenNarrow = ['--lr', '0.16', ...decay];
const noDecay = ['--weight-decay', '0'];
const before = ['--lr', '0.08', ...noDecay];
const smallVit = [
  ...['--model', 'vit', '--patch', '4', '--width', '96', '--depth', '4', '--heads', '3'],
  ...['--mlp-ratio', '2'],
];
const chosenVit = ['--optimizer', 'adamw', '--lr', '0.002'];

/**
 * A fifth of the images, and ten epochs of them: what tells settings apart takes many runs, and one of these takes the time of
 * two epochs.
 */
const part = [...cifar, '--limit-train', '10000', '--limit-test', '5000', '--epochs', '10'];
const small = [...part, '--model', 'resnet18', '--width', '16'];
const smallBefore = [...small, ...before];
const bySmallEpoch = ['--eval-every', '78'];
const smallMuon = [...small, '--optimizer', 'muon', '--lr', '0.02', '--weight-decay', '0'];
/** The recipe `speed` by a narrower network, on batches small enough that there are 200 steps, too. */
const smallSpeed = [
  ...[...part, '--recipe', 'speed', '--width', '16', '--batch-size', '500'],
  ...['--eval-every', '20'],
];

/** On images held out from training. */
const heldOut = ['--validation', '0.1', '--eval-every', '70'];
const held = [...small, ...heldOut];

/** As many for that as for training, so that these say little by chance. */
const halves = [...cifar, '--limit-train', '20000', '--validation', '0.5', '--limit-test', '1000'];
const choosing = [...halves, '--epochs', '10', '--eval-every', '390', '--methods', 'vanilla'];

const choosingWide = [
  ...[...halves, '--epochs', '2', '--eval-every', '156', '--methods', 'vanilla', '--model', 'resnet18'],
  ...decay,
];

const shapes = ['--width', '16', '--epochs', '2', ...heldOut];

/** How the gain grows with the budget: what is looked at, and how many epochs that takes. */
export const budgets: Readonly<Record<string, readonly number[]>> = {
  'budget-sgd': [5, 10, 25, 50, 100],
  'budget-adam': [5, 10, 25],
};

/**
 * Tables of several experiments that differ in one setting: methods stand against the first one of the first. With each what
 * its methods' labels do not say, if anything.
 */
export const joined: Readonly<Record<string, readonly (readonly [name: string, setting: string])[]>> = {
  'first-layer': [
    ['rivals', ''],
    ['tract-layers', 'on conv1 and layer1.0.conv1'],
    ['tract-early', ''],
    ['lambda-over-time', ''],
    ['first-layer-rate', ''],
    ['first-layer-adam', 'conv1 by Adam at 0.003'],
  ],
  'full-width': [
    ['defaults-resnet18', ''],
    ['clipping-resnet18', 'lr 0.08'],
    ['zero-init-resnet18', 'zero-init-residual, lr 0.08'],
  ],
  'resnet18-1': [
    ['resnet18-1', ''],
    ['resnet18-1-before', 'as before'],
    ['resnet18-1-tract', ''],
  ],
  'resnet18-5': [
    ['resnet18-5', ''],
    ['resnet18-5-before', 'as before'],
    ['resnet18-5-tract', ''],
  ],
  vit: [
    ['vit', ''],
    ['vit-before', 'as before'],
  ],
  speed: [
    ['speed', 'with whitening'],
    ['speed-trained', 'without whitening'],
  ],
};

/** The experiments that a table of docs/results.md is made of, in order. */
export function experimentsOf(block: string): string[] {
  if (Object.hasOwn(budgets, block)) return budgets[block].map((epochs) => `${block}-${epochs}`);
  if (Object.hasOwn(joined, block)) return joined[block].map(([name]) => name);
  return [block];
}

function budgetExperiments(name: string, optimizer: readonly string[]): Experiment[] {
  return budgets[name].map((epochs) => ({
    name: `${name}-${epochs}`,
    parameters: [...narrow, ...optimizer, '--epochs', String(epochs), ...byEpoch],
    seeds: epochs < 50 ? [0, 1, 2] : [0, 1],
  }));
}

/** In the order in which they are worth their time. */
export const experiments: readonly Experiment[] = [
  {
    name: 'warmup',
    parameters: [
      ...[...cifar, '--limit-train', '10000', '--limit-test', '2000', '--model', 'resnet18', '--width', '16'],
      ...['--epochs', '2', '--eval-every', '1000', ...before, '--grid', 'warmup=0,8,16,40,78'],
    ],
    seeds: [0, 1, 2],
  },
  {
    name: 'resnet18-1',
    parameters: [...oneEpoch, ...chosen, '--methods', 'vanilla'],
    seeds: [0, 1, 2, 3, 4],
  },
  {
    name: 'resnet18-1-before',
    parameters: [...oneEpoch, ...before, '--warmup', '0', '--methods', 'vanilla'],
    seeds: [0, 1, 2, 3, 4],
  },
  {
    name: 'resnet18-1-tract',
    parameters: [...oneEpoch, ...chosen, '--methods', 'tract'],
    seeds: [0, 1, 2, 3, 4],
  },
  ...budgetExperiments('budget-sgd', chosenNarrow),
  ...budgetExperiments('budget-adam', adam),
  // On images held out, too: the demo's.
  {
    name: 'shapes-sgd',
    parameters: [...shapes, ...noDecay, '--grid', 'lr=0.02,0.04,0.08,0.16,0.32'],
    seeds: [0, 1, 2],
  },
  {
    name: 'shapes-adam',
    parameters: [...shapes, '--optimizer', 'adam', '--grid', 'lr=0.001,0.003,0.01,0.03'],
    seeds: [0, 1],
  },
  {
    name: 'rates-sgd',
    parameters: [...held, ...noDecay, '--grid', 'lr=0.02,0.04,0.08,0.16,0.32'],
    seeds: [0, 1],
  },
  {
    name: 'rates-adam',
    parameters: [...held, '--optimizer', 'adam', '--grid', 'lr=0.001,0.003,0.01,0.03'],
    seeds: [0, 1],
  },
  {
    name: 'rates-muon',
    parameters: [...held, '--optimizer', 'muon', ...noDecay, '--grid', 'lr=0.01,0.02,0.05,0.1'],
    seeds: [0, 1],
  },
  {
    name: 'defaults-sgd',
    parameters: [
      ...[...choosing, '--model', 'resnet18', '--width', '16'],
      ...['--grid', 'lr=0.08,0.16,0.32', '--grid', 'weight-decay=0,0.0005'],
      ...['--grid', 'label-smoothing=0,0.1'],
    ],
    seeds: [0, 1],
  },
  // A network of full width does not stand the rate that is best for a narrow one.
  {
    name: 'defaults-resnet18',
    parameters: [...choosingWide, '--grid', 'lr=0.02,0.04,0.08,0.16'],
    seeds: [0, 1],
  },
  {
    name: 'clipping-resnet18',
    parameters: [...choosingWide, '--lr', '0.08', '--grid', 'clip-norm=1,4'],
    seeds: [0],
  },
  {
    name: 'zero-init-resnet18',
    parameters: [...choosingWide, '--zero-init-residual', 'on', '--grid', 'lr=0.08'],
    seeds: [0],
  },
  {
    name: 'defaults-vit',
    parameters: [
      ...[...choosing, ...smallVit, '--optimizer', 'adamw'],
      ...['--grid', 'lr=0.001,0.002,0.004', '--grid', 'label-smoothing=0,0.1'],
    ],
    seeds: [0, 1],
  },
  {
    name: 'rates-rivals',
    parameters: [
      ...[...held, ...noDecay, '--methods', 'patch-norm,whitening,whitening-start'],
      ...['--grid', 'lr=0.08,0.16,0.32'],
    ],
    seeds: [0, 1],
  },
  {
    name: 'rivals',
    parameters: [
      ...[...smallBefore, ...bySmallEpoch],
      ...['--methods', 'vanilla,tract,patch-norm,whitening,whitening-start'],
    ],
    seeds: [0, 1, 2],
  },
  {
    name: 'first-layer-rate',
    parameters: [
      ...[...smallBefore, ...bySmallEpoch, '--methods', 'vanilla'],
      ...['--grid', 'first-lr-factor=1,0.1,0.3,3,10,30,100'],
    ],
    seeds: [0, 1, 2],
  },
  {
    name: 'first-layer-adam',
    parameters: [
      ...[...smallBefore, ...bySmallEpoch, '--methods', 'vanilla'],
      ...['--group', 'first:optimizer=adam,lr=0.003'],
    ],
    seeds: [0, 1, 2],
  },
  {
    name: 'tract-layers',
    parameters: [
      ...[...smallBefore, ...bySmallEpoch],
      ...['--methods', 'tract', '--tract-layer', 'conv1,layer1.0.conv1'],
    ],
    seeds: [0, 1, 2],
  },
  {
    name: 'tract-early',
    parameters: [...smallBefore, ...bySmallEpoch, '--methods', 'tract', '--grid', 'tract-until=0.2,0.5'],
    seeds: [0, 1, 2],
  },
  {
    name: 'lambda-over-time',
    parameters: [...smallBefore, ...bySmallEpoch, '--methods', 'tract', '--grid', 'lambda-end=0.01,1'],
    seeds: [0, 1, 2],
  },
  // Inside stronger recipes.
  {
    name: 'muon',
    parameters: [...smallMuon, ...bySmallEpoch, '--methods', 'vanilla,tract,whitening-start'],
    seeds: [0, 1, 2],
  },
  {
    name: 'speed',
    parameters: [...smallSpeed, '--methods', 'vanilla,tract', '--tract-layer', 'layers.1.conv1'],
    seeds: [0, 1, 2],
  },
  {
    name: 'speed-trained',
    parameters: [...smallSpeed, '--methods', 'vanilla,tract', '--whitening', 'off'],
    seeds: [0, 1, 2],
  },
  // To its end, with all images: by both programs alone on the machine, so that their times say something.
  {
    name: 'recipe-speed',
    parameters: [...cifar, '--recipe', 'speed', '--eval-every', '25', '--methods', 'vanilla'],
    seeds: [0, 1, 2],
    threads: 2,
    besideAirbench: true,
  },
  // What it has learned of drawn shapes, on photographs.
  {
    name: 'fine-tuning',
    pretraining: ['--data', 'shapes', '--width', '16', '--epochs', '6', '--lr', '0.04', ...noDecay],
    parameters: [
      ...[...cifar, '--limit-train', '2000', '--limit-test', '5000', '--epochs', '20'],
      ...[...noDecay, '--head', 'fc', '--eval-every', '15', '--grid', 'lr=0.002,0.01,0.05'],
    ],
    seeds: [0, 1, 2],
  },
  ...[8, 16, 32].map((batch): Experiment => ({
    name: `small-batch-${batch}`,
    parameters: [
      ...[...cifar, '--limit-train', '10000', '--model', 'resnet18', '--width', '16', '--epochs', '4'],
      ...['--batch-size', String(batch), '--lr', String((0.08 * batch) / 128), ...noDecay],
      ...['--eval-every', '100000'],
      ...['--grid', 'gram-momentum=0,0.9,0.99'],
    ],
    seeds: [0, 1, 2],
  })),
  {
    name: 'vit',
    parameters: [...[...part, ...smallVit, ...chosenVit, ...bySmallEpoch], ...['--methods', 'vanilla']],
    seeds: [0, 1, 2],
  },
  {
    name: 'vit-before',
    parameters: [
      ...[...part, ...smallVit, '--optimizer', 'sgd', ...before, '--warmup', '0', ...bySmallEpoch],
      ...['--methods', 'vanilla'],
    ],
    seeds: [0, 1, 2],
  },
  {
    name: 'vit-20',
    parameters: [...cifar, ...smallVit, ...chosenVit, '--epochs', '20', ...byEpoch],
    seeds: [0, 1, 2],
  },
  {
    name: 'resnet18-5',
    parameters: [...fiveEpochs, ...chosen, '--methods', 'vanilla'],
    seeds: [0, 1, 2, 3, 4],
  },
  {
    name: 'resnet18-5-before',
    parameters: [...fiveEpochs, ...before, '--warmup', '0', '--methods', 'vanilla'],
    seeds: [0, 1, 2, 3, 4],
  },
  {
    name: 'resnet18-5-tract',
    parameters: [...fiveEpochs, ...chosen, '--methods', 'tract'],
    seeds: [0, 1, 2, 3, 4],
  },
];

/** @throws RangeError naming the experiments that there are */
export function experimentNamed(name: string): Experiment {
  const found = experiments.find((experiment) => experiment.name === name);
  if (found) return found;
  throw new RangeError(
    `there is no experiment "${name}"; there are ${experiments.map((experiment) => experiment.name).join(', ')}`,
  );
}
