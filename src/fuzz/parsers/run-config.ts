/** The configuration of a run: `config.json`, and a part of every checkpoint. */
import { CheckpointError, parseJson } from '../../train/json-check.js';
import { parseRunConfig } from '../../train/parse-run-config.js';
import { exampleRun } from '../example-run.js';
import { mutateBytes } from '../mutate-bytes.js';
import { mutateJson } from '../mutate-json.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';

export const runConfig: FuzzedParser = {
  name: 'run-config',
  seeds: () =>
    Promise.resolve([
      encode(JSON.stringify(exampleRun(true).config)),
      encode(JSON.stringify({ ...exampleRun(false).config, augmentation: null })),
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
