/** What comes out of a run, in Python's packages: the second table of docs/models.md. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Classifier, tensor, toSafetensors } from '../../dist/node.js';
import { ask, here, references } from './environments.mjs';
import { answerOf, lastLineOf } from './processes.mjs';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Models that are trained for a few steps: built-in ones, and files of reference.py. */
export const CASES = [
  { name: 'resnet18', flags: ['--model', 'resnet18', '--width', '8'], size: 32 },
  { name: 'vit', flags: ['--model', 'vit', '--width', '32', '--depth', '2', '--heads', '2'], size: 32 },
  { name: 'mobilenet_v2', file: 'torchscript:training' },
  { name: 'convnext_atto', file: 'torchscript:inference' },
  { name: 'swin', file: 'dynamo:inference' },
  { name: 'resnet18', file: 'dynamo:training' },
  { name: 'shufflenet_v2_x0_5', file: 'torchscript:inference' },
  { name: 'efficientnet_b0', file: 'torchscript:training' },
  { name: 'densenet121', file: 'torchscript:training' },
  { name: 'deit_tiny', file: 'torchscript:training' },
  { name: 'mixer', file: 'dynamo:training' },
  { name: 'keras_own', file: 'tf2onnx:training', size: 32 },
];

/** Pixels at random, the same ones always. */
function pixels(count) {
  let state = 1;
  return Uint8Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return state & 255;
  });
}

/** The files that come back of a model: of one that was read, as it came and with its preprocessing. */
export const backOf = ({ name, file }) =>
  (file ? [false, true] : [false]).map((preprocessing) => ({
    kind: 'back',
    name,
    from: file ? file.replace(':', ', ') : 'built in',
    preprocessing,
  }));

/**
 * Trains a model, exports it and compares; one result for each file that comes back. `pythonOf` gives the Python of a
 * reference.
 */
export async function givenBack({ name, flags, file, size = 64 }, work, pythonOf, limit) {
  const python = pythonOf(references[0]);
  const folder = join(work, 'given-back');
  const pictures = join(folder, 'pictures', String(size));
  const run = join(folder, name);
  const tensors = join(folder, `${name}.safetensors`);
  const out = join(folder, `${name}.back.onnx`);
  const byPython = (...parameters) => answerOf(python, [join(here, 'given_back.py'), ...parameters], limit);
  const tract = (...parameters) => lastLineOf(execPath, [command, ...parameters], limit);
  rmSync(run, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    let model = flags;
    if (file) {
      const reference = references.find(({ has }) => has(name));
      const conversation = ask(reference, pythonOf(reference), folder);
      const { error } = await conversation.ask(`${name} ${file.replace(':', ' ')}`, limit);
      conversation.end();
      if (error) throw new Error(error);
      model = ['--model', join(folder, `${name}.${file.replace(':', '.')}.onnx`)];
    }
    await byPython('--pictures', pictures, String(size));
    await tract(
      ...['train', ...model, '--data', pictures, '--image-size', String(size)],
      ...['--batch-size', '8', '--epochs', '1', '--lr', '0.01', '--tract', '--out', run],
    );
    const classifier = await Classifier.load(run);
    const images = tensor('uint8', [8, 3, size, size], pixels(8 * 3 * size * size));
    const logits = await classifier.logits(images.data);
    await classifier.release();
    writeFileSync(tensors, toSafetensors({ tensors: { images, logits }, metadata: {} }));
    const found = [];
    for (const one of backOf({ name, file })) {
      await tract('export', run, '--out', out, ...(one.preprocessing ? ['--with-preprocessing'] : []));
      found.push({ ...one, ...(await byPython(out, tensors)) });
    }
    return found;
  } catch (error) {
    return backOf({ name, file }).map((one) => ({ ...one, error: error.message.slice(0, 300) }));
  }
}
