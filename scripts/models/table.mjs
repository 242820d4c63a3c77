/** Writes docs/models.md of the figures that matrix.mjs takes; by itself, of a file with them: `node table.mjs RESULTS`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';

/** Of the paper's CNNs for CIFAR-100, and of its transformers. */
const PAPER = new Set([
  ...['DeiT', 'DenseNet', 'GoogLeNet', 'Inception', 'Inception-ResNet', 'MobileNet', 'NASNet', 'ResNet'],
  ...['ResNetV2', 'ResNeXt', 'SENet', 'ShuffleNet', 'SqueezeNet', 'VGG', 'ViT', 'Wide ResNet', 'Xception'],
]);
const LIMITS = { outputs: 1e-4, loss: 1e-4, gradients: 1e-3, statistics: 1e-3, steps: 1e-3, tract: 1e-3 };
const DOUBLE_LIMIT = 1e-6;
/** How often PyTorch is asked again, with other rounding. */
export const DRAWS = 16;
/** Of gradients from differences of the loss. */
const DIFFERENCE_LIMIT = 1e-3;

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

/** The worst of what was measured of the first step in float64. */
const double = ({ float64 }) =>
  float64 && Math.max(...['gradients', 'statistics', 'loss', 'tract'].flatMap((key) => float64[key] ?? []));

export const within = (result) =>
  Object.keys(LIMITS).every((key) => result[key] == null || result[key] <= limitOf(result, key));

const measured = (result) => !result.exportError && !result.readError;
const passes = (result) => measured(result) && within(result);
const exact = (result) =>
  measured(result) &&
  result.outputs <= LIMITS.outputs &&
  double(result) <= DOUBLE_LIMIT &&
  (result.float64.others ?? 0) <= DIFFERENCE_LIMIT &&
  (result.float64.steps ?? Infinity) <= LIMITS.steps;

/** What came of a file, in words. */
export function verdict(result) {
  const failure = result.exportError ?? result.readError;
  if (failure) return `${result.exportError ? 'not exported' : 'not read'}: ${short(failure)}`;
  const where = [...(passes(result) ? ['float32'] : []), ...(exact(result) ? ['float64'] : [])];
  return where.length > 0 ? `within the limits in ${where.join(' and ')}` : 'above the limits';
}

const short = (text) =>
  text
    // Colours of a terminal.
    .replace(/\p{Cc}?\[\d+m/gu, '')
    .replace(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    // Which file it is, is said beside it; what an exporter counts differs from file to file.
    .replaceAll(/\S*\.onnx: /g, '')
    .replaceAll(/(?<=unk__|tensor_|normalization_)\d+(_\d+)?/g, '…')
    .slice(0, 300);

/** A table of what came out of runs. */
function back(results) {
  if (results.length === 0) return [];
  const limit = LIMITS.outputs;
  return [
    '## Given back',
    '',
    'Models that were trained for a few steps and exported by `tract export`, in the Python packages of ONNX Runtime and',
    'PyTorch: relative distance of the logits from those of the run itself. PyTorch reads no ONNX files; onnx2pytorch makes a',
    'module of one.',
    '',
    '| model | came from | takes | ONNX Runtime | PyTorch |',
    '| --- | --- | --- | --- | --- |',
    ...results.map((one) =>
      one.error
        ? `| ${one.name} | ${one.from} | – | ${short(one.error)} | – |`
        : `| ${one.name} | ${one.from} | ${one.input === 'tensor(uint8)' ? 'bytes' : 'standardised pixels'}${one.preprocessing ? ', `--with-preprocessing`' : ''} | ${figure(one.onnxruntime, limit)} | ${one.pytorchError ? short(one.pytorchError) : figure(one.pytorch, limit)} |`,
    ),
    '',
  ];
}

/** What failed, and why: files of a model that fail alike are one row. */
function failures(results) {
  const rows = new Map();
  for (const one of results.filter((result) => !measured(result) || result.float64Error)) {
    const where = one.exportError ? 'export' : one.readError ? 'here' : 'float64';
    const reason = short(one.exportError ?? one.readError ?? one.float64Error);
    const key = [one.name, where, reason].join(' | ');
    rows.set(key, [...(rows.get(key) ?? []), `${one.exporter}, ${one.mode}`]);
  }
  if (rows.size === 0) return [];
  return [
    '## What does not work',
    '',
    '| model | where | reason | files |',
    '| --- | --- | --- | --- |',
    ...[...rows].map(([key, files]) => `| ${key} | ${files.join('; ')} |`),
    '',
  ];
}

/** Packages and their versions, of all results. */
function packages(results) {
  const found = new Map();
  for (const { versions = {} } of results)
    for (const [name, version] of Object.entries(versions))
      found.set(name, (found.get(name) ?? new Set()).add(version));
  return [...found].map(([name, versions]) => `${name} ${[...versions].sort().join(' and ')}`).join(', ');
}

export async function writeMatrix(everything) {
  const results = everything.filter(({ kind }) => kind !== 'back');
  const count = (chosen, key) => new Set(chosen.map((one) => one[key])).size;
  const models = (chosen) => `${count(chosen, 'name')} models of ${count(chosen, 'family')} families`;
  const files = results.filter(({ exportError }) => !exportError);
  const all = (test) =>
    files.filter(({ name }) => files.filter((one) => one.name === name).every((one) => test(one)));
  const either = (one) => passes(one) || exact(one);
  const early = results.filter(({ rate = 1e-3, float32Steps }) => rate > 1e-7 && float32Steps > 1e-3).length;
  const lines = [
    '# Models of other programs',
    '',
    'Models of torchvision, timm and Keras, exported by both exporters of PyTorch and of Keras, for training and for inference,',
    'and trained here from the file. Against PyTorch (TensorFlow) in float64, on a batch of 8 images: relative distances of the',
    'outputs in inference, the loss, the worst gradient of any parameter, the running statistics after a step, the losses of 5',
    'steps of SGD, and TrAct’s gradient of the first convolution.',
    '',
    'Here it is float32, and so are the two columns of PyTorch’s own float32 against its float64: deep networks with random',
    'weights amplify rounding, in any program. Limits are 1e-4 for outputs and loss and 1e-3 for the rest, or three times what',
    'PyTorch’s float32 is off, where that is more; what is above them is in bold. A single number that rounds to the other side',
    `of an activation’s corner changes a gradient by a percent, and whether that happens is luck, in PyTorch, too: for what would`,
    `be above a limit its columns have the worst of ${DRAWS} more runs, with weights that are off by a rounding (“rounded”).`,
    '',
    'Whether a figure is rounding or a mistake is what the columns of float64 tell: the same step, with every float32 in its',
    'ONNX graph made a float64, by ONNX Runtime; the worst of loss, gradients, statistics and TrAct, with a limit of 1e-6, and',
    'the 5 steps. ONNX Runtime has no kernels in float64 for a few operators, convolutions among them; they are written as',
    'others there (`scripts/models/double.py`).',
    '',
    'The models are small members of their families, at small image sizes, with random weights. `npm run models` makes this',
    'page of the results in [models.json](models.json), and measures what is missing there: it sets up Python from PyPI (8 GB),',
    'and a file takes about a minute. `npm run models -- --again NAME…` measures some again, and with `--json RESULTS` in a',
    'file that is not there yet all are, in hours. Whoever stops it goes on with the same command.',
    `${packages(results)}.`,
    '',
    `${models(results)}, ${files.length} files. Within the limits in float32: ${files.filter(passes).length} files; in float64: ${files.filter(exact).length};`,
    `in one of both: ${files.filter(either).length}. All files that their exporters could write are so for ${models(all(either))}.`,
    '',
    'What to know when reading it: batch norm that an exporter folded into a layer is folded in PyTorch’s model likewise; what',
    'is left of it has the statistics of the batch in training, here and there. “Compared” counts the tensors of the file that',
    'could be told to be one of PyTorch’s parameters. Others are what an exporter computed of parameters and wrote down as',
    'constants; they stay as they are in the 5 steps, and their gradients are held against differences of the loss, in float64,',
    'with a limit of 1e-3 (“others”). Those of Swin’s regions of a mask are zero, while the loss jumps when two of them are no',
    'longer equal: a difference tells nothing of them. The learning rate of the steps is the first of 1e-3, 1e-4, … 1e-8',
    `at which the losses of PyTorch’s float32 are those of its float64 within 1e-3${early ? `; for ${early} files that were measured first, it is one at which they do not explode` : ''}.`,
    'Dropout and stochastic depth are switched off, because their masks are others here.',
    '',
    '† is a family that the paper trains. Its CNNs for CIFAR-100 we take to be those of the collection pytorch-cifar100, of',
    'which the first ShuffleNet and the residual attention network are in none of these packages.',
    '',
    '| model | family | file | outputs | loss | gradients | statistics | 5 steps | TrAct | PyTorch’s gradients | PyTorch’s 5 steps | float64 | 5 steps in float64 | compared |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...results
      .filter(measured)
      .map((one) =>
        [
          '',
          one.name,
          `${one.family}${PAPER.has(one.family) ? ' †' : ''}`,
          `${one.exporter}, ${one.mode}`,
          ...Object.keys(LIMITS).map((key) => figure(one[key], limitOf(one, key))),
          `${figure(one.float32Gradients, Infinity)}${one.rounded ? ' rounded' : ''}`,
          `${figure(one.float32Steps, Infinity)}${one.rounded ? ' rounded' : ''}`,
          figure(double(one), DOUBLE_LIMIT),
          figure(one.float64?.steps, LIMITS.steps),
          `${one.compared} of ${one.all}${one.float64?.others == null ? '' : `, others ${figure(one.float64.others, DIFFERENCE_LIMIT)}`}`,
          '',
        ]
          .join(' | ')
          .trim(),
      ),
    '',
    ...back(everything.filter(({ kind }) => kind === 'back')),
    ...failures(results),
  ];
  const path = fileURLToPath(new URL('../../docs/models.md', import.meta.url));
  const style = await prettier.resolveConfig(path);
  writeFileSync(path, await prettier.format(lines.join('\n'), { ...style, filepath: path }));
}

if (argv[1] === fileURLToPath(import.meta.url)) await writeMatrix(JSON.parse(readFileSync(argv[2], 'utf8')));
