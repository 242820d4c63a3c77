/** Writes docs/models.md of the figures that matrix.mjs takes; by itself, of a file with them: `node table.mjs RESULTS`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const LIMITS = { outputs: 1e-4, loss: 1e-4, gradients: 1e-3, statistics: 1e-3, steps: 1e-3, tract: 1e-3 };

const figure = (value, limit) => {
  if (value === undefined || value === null) return '–';
  const text = value === 0 ? '0' : value.toExponential(0);
  return value <= limit ? text : `**${text}**`;
};

/** The limit of a figure: at least three times what PyTorch's own float32 is off. */
const limitOf = (result, key) =>
  Math.max(
    LIMITS[key],
    3 *
      ({ gradients: result.float32Gradients, tract: result.float32Gradients, steps: result.float32Steps }[
        key
      ] ?? 0),
  );

const within = (result) =>
  Object.keys(LIMITS).every((key) => result[key] == null || result[key] <= limitOf(result, key));

export function passes(result) {
  return !result.exportError && !result.readError && within(result);
}

const short = (text) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 220);

export function writeMatrix(results) {
  const models = [...new Set(results.map(({ name }) => name))];
  const families = (names) =>
    new Set(results.filter(({ name }) => names.includes(name)).map(({ family }) => family));
  const some = models.filter((name) => results.some((one) => one.name === name && passes(one)));
  const whole = models
    .filter((name) => results.filter((one) => one.name === name && !one.exportError).every(passes))
    .filter((name) => some.includes(name));
  const files = results.filter(({ exportError }) => !exportError);
  const lines = [
    '# Models of other programs',
    '',
    'Models of torchvision and timm, exported by both of PyTorch’s exporters, in training and in inference mode, and trained',
    'here from the file. Against PyTorch in float64, on a batch of 8 images: relative distances of the outputs, the loss, the',
    'worst gradient of any parameter, the running statistics after a step, the losses of 5 steps of SGD, and TrAct’s gradient',
    'of the first convolution. All here is in float32, and so are the two columns of PyTorch’s own float32 against its float64:',
    'deep networks with random weights amplify rounding, in any program. Limits are 1e-4 for outputs and loss and 1e-3 for the',
    'rest, or three times what PyTorch’s float32 is off, where that is more; what is above them is in bold.',
    '',
    '`npm run models` makes this page: it sets up Python from PyPI, and takes an hour or two. The models are small members of',
    'their families, at small image sizes, with random weights.',
    '',
    'What follows is of the models that were measured so far, on a machine that did much else; `npm run models -- --json',
    'RESULTS NAME…` measures some of them again and keeps the rest.',
    '',
    `${models.length} models of ${families(models).size} families; ${whole.length} of them, of ${families(whole).size} families, are within the limits in every file that their`,
    `exporter could write (${files.filter(passes).length} of ${files.length} files).`,
    '',
    'What to know when reading it: files for inference have batch norm folded into the convolutions, and are compared with',
    'PyTorch’s model folded likewise; “gradients” counts the parameters that could be told to be one of PyTorch’s. Dropout and',
    'stochastic depth are switched off, because their masks are others here.',
    '',
    '| model | family | file | outputs | loss | gradients | PyTorch’s | compared | statistics | 5 steps | PyTorch’s | TrAct |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...results
      .filter((one) => !one.exportError && !one.readError)
      .map((one) =>
        [
          '',
          one.name,
          one.family,
          `${one.exporter}, ${one.mode}`,
          figure(one.outputs, LIMITS.outputs),
          figure(one.loss, LIMITS.loss),
          figure(one.gradients, limitOf(one, 'gradients')),
          figure(one.float32Gradients, Infinity),
          `${one.compared} of ${one.all}`,
          figure(one.statistics, LIMITS.statistics),
          figure(one.steps, limitOf(one, 'steps')),
          figure(one.float32Steps, Infinity),
          one.tractError ? 'layer to be named' : figure(one.tract, limitOf(one, 'tract')),
          '',
        ]
          .join(' | ')
          .trim(),
      ),
    '',
    '## What does not work',
    '',
    '| model | file | where | reason |',
    '| --- | --- | --- | --- |',
    ...results
      .filter((one) => one.exportError ?? one.readError)
      .map(
        (one) =>
          `| ${one.name} | ${one.exporter ? `${one.exporter}, ${one.mode}` : 'all'} | ${one.exportError ? 'export' : 'here'} | ${short(one.exportError ?? one.readError)} |`,
      ),
    '',
  ];
  writeFileSync(fileURLToPath(new URL('../../docs/models.md', import.meta.url)), lines.join('\n'));
}

if (argv[1] === fileURLToPath(import.meta.url)) writeMatrix(JSON.parse(readFileSync(argv[2], 'utf8')));
