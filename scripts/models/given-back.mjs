/** What comes out of a run, in Python's packages: the second table of docs/models.md. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Classifier, tensor, toSafetensors } from '../../dist/node.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Models that are trained for a few steps: built-in ones, and files of reference.py. */
export const CASES = [
  { name: 'resnet18', flags: ['--model', 'resnet18', '--width', '8'], size: 32 },
  { name: 'vit', flags: ['--model', 'vit', '--width', '32', '--depth', '2', '--heads', '2'], size: 32 },
  { name: 'mobilenet_v2', file: 'torchscript:training' },
  { name: 'convnext_atto', file: 'torchscript:inference' },
  { name: 'swin', file: 'dynamo:inference' },
];

function must(program, parameters) {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1));
  return stdout;
}

/** Pixels at random, the same ones always. */
function pixels(count) {
  let state = 1;
  return Uint8Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return state & 255;
  });
}

/** Trains, exports and compares; one result for each file that comes back. */
export async function givenBack(work, python, cases = CASES) {
  const folder = join(work, 'given-back');
  const pictures = join(folder, 'pictures');
  mkdirSync(folder, { recursive: true });
  const results = [];
  for (const { name, flags, file, size = 64 } of cases) {
    const run = join(folder, name);
    rmSync(run, { recursive: true, force: true });
    const one = { kind: 'back', name, from: file ? file.replace(':', ', ') : 'built in' };
    try {
      let model = flags;
      if (file) {
        must(python, [join(here, 'reference.py'), folder, file, name]);
        model = ['--model', join(folder, `${name}.${file.replace(':', '.')}.onnx`)];
      }
      must(python, [join(here, 'given_back.py'), '--pictures', join(pictures, String(size)), String(size)]);
      must(execPath, [
        ...[command, 'train', ...model, '--data', join(pictures, String(size)), '--image-size', String(size)],
        ...['--batch-size', '8', '--epochs', '1', '--lr', '0.01', '--tract', '--out', run],
      ]);
      const classifier = await Classifier.load(run);
      const images = tensor('uint8', [8, 3, size, size], pixels(8 * 3 * size * size));
      const logits = await classifier.logits(images.data);
      await classifier.release();
      const tensors = join(folder, `${name}.safetensors`);
      writeFileSync(tensors, toSafetensors({ tensors: { images, logits }, metadata: {} }));
      for (const more of file ? [[], ['--with-preprocessing']] : [[]]) {
        const out = join(folder, `${name}.back.onnx`);
        must(execPath, [command, 'export', run, '--out', out, ...more]);
        const found = JSON.parse(
          must(python, [join(here, 'given_back.py'), out, tensors])
            .trim()
            .split('\n')
            .at(-1),
        );
        results.push({ ...one, preprocessing: more.length > 0, ...found });
      }
    } catch (error) {
      results.push({ ...one, error: error.message.slice(0, 300) });
    }
    console.log(JSON.stringify(results.at(-1)));
  }
  return results;
}
