/** The configuration of a run: `config.json`, and a part of every checkpoint. */
import { parseJson } from '../../train/json-check.js';
import { CheckpointError } from '../../train/json-check.js';
import { type RunConfig, parseRunConfig } from '../../train/run-config.js';
import { mutateBytes } from '../mutate-bytes.js';
import { mutateJson } from '../mutate-json.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';

/** A configuration with something in every place. */
export const exampleConfig: RunConfig = {
  data: {
    name: 'cifar10',
    classNames: ['aeroplane', 'car'],
    trainImages: 1000,
    testImages: 100,
    mean: [0.5, 0.4, 0.3],
    deviation: [0.2, 0.2, 0.2],
  },
  model: { name: 'mlp', config: { hidden: 8, bias: true, activation: 'relu' } },
  tract: { layer: 'layers.0', lambda: { relative: 0.1 } },
  optimizer: { name: 'sgd', config: { momentum: 0.9, nesterov: true } },
  schedule: { name: 'cosine', config: { lr: 0.1, warmup: 1 } },
  batchSize: 128,
  seed: 7,
  labelSmoothing: 0.1,
  epochs: 5,
  maxSteps: 100,
  augmentation: { cropPadding: 4, horizontalFlip: true },
};

export const runConfig: FuzzedParser = {
  name: 'run-config',
  seeds: () =>
    Promise.resolve([
      encode(JSON.stringify(exampleConfig)),
      encode(JSON.stringify({ ...exampleConfig, tract: null, maxSteps: null, augmentation: null })),
    ]),
  mutate: (input, random) =>
    random.integer(4) === 0
      ? mutateBytes(input, random)
      : encode(mutateJson(JSON.parse(decode(input)), random)),
  read(input) {
    const read = parseRunConfig(parseJson(decode(input), 'config'));
    const text = JSON.stringify(read);
    expect(
      JSON.stringify(parseRunConfig(JSON.parse(text))) === text,
      'what was read is another when it was written and read again',
    );
  },
  documented: (error) => error instanceof CheckpointError,
};
