/** The package as those who install it have it: packed, and unpacked into a project of its own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a command as from a shell of the user, not from inside `npm test`, and gives its stdout. */
export function shell(folder: string, command: string, ...parameters: readonly string[]): string {
  const environment = Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_'));
  return execFileSync(command, parameters, {
    cwd: folder,
    env: Object.fromEntries(environment),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // npm is a .cmd file on Windows, which only a shell starts.
    shell: process.platform === 'win32',
  });
}

/**
 * Packs what is compiled and unpacks it into `node_modules/tract-ts` of a project.
 *
 * @param modules which other packages the project has: links to those of the checkout
 */
export function installPacked(project: string, modules: readonly string[]): void {
  const own = join(project, 'node_modules', 'tract-ts');
  mkdirSync(own, { recursive: true });
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', project];
  const [{ filename }] = JSON.parse(shell(root, 'npm', ...packing)) as [{ filename: string }];
  extract({ file: join(project, filename), cwd: own, strip: 1, sync: true });
  for (const name of modules) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link, 'junction');
  }
}

/** The names of the packages that this one needs when it runs in Node, those that are optional included. */
export function runtimeDependencies(): string[] {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  return Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => name !== 'onnxruntime-web');
}
