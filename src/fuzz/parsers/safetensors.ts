/** Files of tensors, and checkpoints, which are such files with JSON in their metadata. */
import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../random/random.js';
import { SafetensorsError, fromSafetensors, toSafetensors } from '../../tensor/safetensors.js';
import { tensor } from '../../tensor/tensor.js';
import { fromCheckpoint, toCheckpoint } from '../../train/checkpoint.js';
import { CheckpointError } from '../../train/json-check.js';
import { mutateBytes, pick } from '../mutate-bytes.js';
import { mutateJson } from '../mutate-json.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';
import { exampleConfig } from './run-config.js';

interface Parts {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

/** The header and the tensors of a valid file. */
function parts(file: Uint8Array): Parts {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return {
    header: JSON.parse(decode(file.subarray(8, 8 + length))) as Parts['header'],
    body: file.subarray(8 + length),
  };
}

function file(header: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(body, 8 + header.length);
  return bytes;
}

function mutate(input: Uint8Array, random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  if (random.integer(3) === 0) return mutateBytes(input, random, pick(random, seeds));
  const { header, body } = parts(input);
  const mutated = file(encode(mutateJson(header, random)), body);
  return random.integer(10) === 0 ? mutateBytes(mutated, random) : mutated;
}

export const safetensors: FuzzedParser = {
  name: 'safetensors',
  seeds: () =>
    Promise.resolve([
      toSafetensors({ tensors: {}, metadata: {} }),
      toSafetensors({
        tensors: {
          'conv1.weight': tensor('float32', [2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
          'bn1.num_batches_tracked': tensor('int64', [], [7]),
          'fc.bias': tensor('float64', [2], [1, 2]),
          empty: tensor('int32', [0, 3], []),
          pixels: tensor('uint8', [3], [0, 127, 255]),
          mask: tensor('bool', [2], [0, 1]),
        },
        metadata: { format: 'pt', note: 'text with "quotes" and 猫' },
      }),
    ]),
  mutate,
  read(input) {
    const read = fromSafetensors(input);
    const again = fromSafetensors(toSafetensors(read));
    expect(isDeepStrictEqual(again, read), 'what was read is another when it was written and read again');
    const bytes = Object.values(read.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(bytes <= input.length, `${bytes} bytes of tensors came out of ${input.length} bytes`);
  },
  documented: (error) => error instanceof SafetensorsError,
};

/** A checkpoint whose configuration or progress is changed inside the metadata. */
function mutateCheckpoint(input: Uint8Array, random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  if (random.integer(3) === 0) return mutate(input, random, seeds);
  const { header, body } = parts(input);
  const metadata = { ...(header.__metadata__ as Record<string, string>) };
  const key = pick(random, ['config', 'progress']);
  metadata[key] = mutateJson(JSON.parse(metadata[key]), random);
  return file(encode(JSON.stringify({ ...header, __metadata__: metadata })), body);
}

export const checkpoint: FuzzedParser = {
  name: 'checkpoint',
  seeds: () =>
    Promise.resolve([
      toCheckpoint({
        config: exampleConfig,
        state: {
          tensors: {
            'layers.0.weight': tensor('float32', [2, 2], [1, 2, 3, 4]),
            'layers.0.weight/momentum_buffer': tensor('float32', [2, 2], [0, 0, 0, 0]),
          },
          weightNames: ['layers.0.weight'],
          progress: {
            epoch: 1,
            stepInEpoch: 2,
            step: 12,
            lossSum: 3.5,
            correctSum: 100,
            bestAccuracy: 0.5,
            random: [1, -2, 3, 4],
          },
          standardization: { mean: exampleConfig.data.mean, deviation: exampleConfig.data.deviation },
        },
      }),
    ]),
  mutate: mutateCheckpoint,
  read(input) {
    const { config, state } = fromCheckpoint(input);
    const again = fromCheckpoint(toCheckpoint({ config, state }));
    // As JSON, where -0 is written as 0.
    const described = [config, state.progress, state.standardization];
    const same = JSON.stringify([again.config, again.state.progress, again.state.standardization]);
    expect(
      JSON.stringify(described) === same && isDeepStrictEqual(again.state.tensors, state.tensors),
      'what was read is another when it was written and read again',
    );
  },
  documented: (error) => error instanceof SafetensorsError || error instanceof CheckpointError,
};
