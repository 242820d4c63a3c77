/** The same bits in one, two and four processes of every MPI, for every kind of model, method and optimizer. */
import { fileURLToPath } from 'node:url';
import { launch, tractRanks } from '../mpi.js';
import { type Setting, check, last, smallData } from './setting.js';

/** What PyTorch's exporter wrote, with depthwise convolutions and batch norm. */
const imported = fileURLToPath(
  new URL('../../../src/models/fixtures/mobilenet.torchscript.training.onnx', import.meta.url),
);
const collectives = fileURLToPath(new URL('../mpi-collectives.js', import.meta.url));

const models = {
  'MLP (dual form)': ['--model', 'mlp', '--width', '32'],
  ViT: ['--model', 'vit', '--width', '24', '--depth', '1'],
  'ResNet-18': ['--model', 'resnet18', '--width', '4'],
  'imported MobileNet': ['--model', imported],
} as const;
const optimizers = {
  SGD: ['--optimizer', 'sgd'],
  Adam: ['--optimizer', 'adam'],
} as const;

/** Every model by both methods and both optimizers, every method by both optimizers. */
const cases: readonly (readonly [keyof typeof models, 'TrAct' | 'vanilla', keyof typeof optimizers])[] = [
  ['MLP (dual form)', 'TrAct', 'SGD'],
  ['MLP (dual form)', 'vanilla', 'Adam'],
  ['ViT', 'TrAct', 'Adam'],
  ['ViT', 'vanilla', 'SGD'],
  ['ResNet-18', 'TrAct', 'SGD'],
  ['ResNet-18', 'vanilla', 'Adam'],
  ['imported MobileNet', 'TrAct', 'Adam'],
  ['imported MobileNet', 'vanilla', 'SGD'],
];
const sizes = [1, 2, 4];
const SHARDS = 4;

export async function matrix(setting: Setting): Promise<void> {
  const { mpis } = setting;
  if (mpis.length === 0) return;
  const names = mpis.map(({ name }) => name).join(' and ');
  for (const mpi of mpis) {
    for (const size of [2, 3, 4]) {
      const outcome = await launch(mpi, ['-n', String(size), process.execPath, collectives]);
      check(outcome.code === 0, `the collectives of ${size} of ${mpi.name}`, outcome);
    }
    console.log(`${mpi.name}: every collective gives what it should in 2, 3 and 4 processes`);
  }
  console.log(
    `checkpoints after 2 epochs of 6 batches in ${SHARDS} shards, of ${sizes.join(', ')} processes of ${names} and of one by itself:`,
  );
  for (const [model, method, optimizer] of cases) {
    const flags = ['train', ...smallData, ...models[model], ...optimizers[optimizer]];
    flags.push(...(method === 'TrAct' ? ['--tract'] : []), '--epochs', '2', '--shards', String(SHARDS));
    const expected = await setting.expected(flags);
    const what = `${model}, ${method}, ${optimizer}`;
    for (const mpi of mpis) {
      for (const size of sizes) {
        const out = setting.fresh();
        const outcome = await tractRanks(mpi, size, [...flags, '--out', out]);
        check(outcome.code === 0, `${what}: ${size} of ${mpi.name}`, outcome);
        check(last(out).equals(expected), `${what}: ${size} of ${mpi.name} end with other bits`);
      }
    }
    console.log(`  ${what}: all ${expected.length} bytes are the same`);
  }
}
