// Compares TrAct with vanilla training on the embedded dataset `shapes`, by the command itself: about two minutes
// on two cores. The comparison is kept in runs/demo, which is replaced each time.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import process from 'node:process';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = 'runs/demo';
const wanted = 0.8;

const tract = 'dist/cli/main.js';
const parameters = ['compare', '--data', 'shapes', '--model', 'resnet18', '--width', '16', '--epochs', '2'];
parameters.push('--seeds', '0,1,2,3', '--out', out);

rmSync(`${root}${out}`, { recursive: true, force: true });
console.log(`The same model, trained from the same weights on the same images, without TrAct
and with it:

> tract ${parameters.slice(0, 7).join(' ')} \\
    ${parameters.slice(7).join(' ')}
`);
const { status } = spawnSync(process.execPath, [tract, ...parameters], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const { variants } = JSON.parse(readFileSync(`${root}${out}/results.json`, 'utf8'));
const accuracy = variants.find(({ method }) => method === 'tract').final?.accuracy.mean;
if (!(accuracy >= wanted)) {
  console.error(`demo: TrAct should end above ${100 * wanted} % test accuracy, and does not`);
  process.exit(1);
}

console.log(`
To try next:
  node ${tract} train --width 16 --tract --epochs 5 --out runs/mine
      (Ctrl-C saves; --resume goes on)
  node ${tract} predict runs/mine IMAGE
  node ${tract} compare --data cifar10 --width 16 --epochs 5
      (real images, 170 MB, downloaded once)
  node ${tract} --help`);
