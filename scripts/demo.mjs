// Trains a ResNet-18 of width 16 with TrAct on the embedded dataset `shapes`, by the command itself: about a minute
// on two cores. The run is kept in runs/demo, which is replaced each time.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import process from 'node:process';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = 'runs/demo';
const wanted = 0.8;

const tract = ['dist/cli/main.js'];
const parameters = ['train', '--data', 'shapes', '--model', 'resnet18', '--width', '16', '--tract'];
parameters.push('--epochs', '3', '--seed', '0', '--out', run);

rmSync(`${root}${run}`, { recursive: true, force: true });
console.log(`> tract ${parameters.join(' ')}\n`);
const { status } = spawnSync(process.execPath, [...tract, ...parameters], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const epochs = readFileSync(`${root}${run}/metrics.jsonl`, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ event }) => event === 'epoch');
const { testAccuracy } = epochs.at(-1);
if (testAccuracy < wanted) {
  console.error(
    `demo: the test accuracy is ${(100 * testAccuracy).toFixed(1)} %, below the ${100 * wanted} % it should reach`,
  );
  process.exit(1);
}

console.log(`
And further:
  node dist/cli/main.js eval ${run}
  node dist/cli/main.js train --resume ${run}      (continues a run that was stopped: try Ctrl-C)
  node dist/cli/main.js train --data cifar10 --width 16 --tract --epochs 5
                                      (real images, 170 MB, downloaded once)
  node dist/cli/main.js train --help`);
