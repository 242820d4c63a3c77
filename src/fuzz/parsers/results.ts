/** `results.json` of a comparison, read to lay several beside each other. */
import { markdownTable, mergedRows, mergedTable } from '../../compare/merged-table.js';
import { CheckpointError, parseJson } from '../../train/json-check.js';
import { mutateBytes } from '../mutate-bytes.js';
import { mutateJson } from '../mutate-json.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';

const example = {
  format: 1,
  split: 'test',
  setup: { data: 'shapes', model: 'resnet18', epochs: 3, optimizer: 'sgd', learningRate: 0.08 },
  variants: [
    {
      id: 'vanilla',
      label: 'vanilla',
      runs: [
        { seed: 0, accuracy: 0.5 },
        { seed: 1, accuracy: null },
      ],
      final: { accuracy: { mean: 0.5, deviation: null } },
    },
    {
      id: 'tract-0.1',
      label: 'TrAct',
      runs: [
        { seed: 0, accuracy: 0.6 },
        { seed: 1, accuracy: 0.7 },
      ],
      final: { accuracy: { mean: 0.65, deviation: 0.07 } },
      versus: { accuracy: { mean: 0.1, pairs: 1, interval: [-0.1, 0.3] } },
    },
  ],
  targets: [
    {
      reached: [
        { variant: 'vanilla', steps: 90, speedup: 1 },
        { variant: 'tract-0.1', steps: 60.5, speedup: 1.49 },
      ],
    },
  ],
};

export const results: FuzzedParser = {
  name: 'results',
  seeds: () => Promise.resolve([encode(JSON.stringify(example))]),
  mutate: (input, random) =>
    random.integer(4) === 0
      ? mutateBytes(input, random)
      : encode(mutateJson(JSON.parse(decode(input)), random)),
  read(input) {
    const rows = mergedRows('example', parseJson(decode(input), 'results'));
    const table = mergedTable(rows);
    expect(
      table.every((cells) => cells.length === 8),
      'a row has another number of cells than the heading',
    );
    expect(
      rows.every(({ accuracy }) => accuracy === null || Number.isFinite(accuracy)),
      'an accuracy is no number',
    );
    expect(markdownTable(table).split('\n').length === rows.length + 2, 'a cell breaks its line');
  },
  documented: (error) => error instanceof CheckpointError,
};
