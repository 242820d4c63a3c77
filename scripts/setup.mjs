// Brings a checkout into working order: installs the locked dependencies when they are missing or out of date, with
// --build compiles src/ to dist/, and with --page bundles the Studio's page of that, where anything of it has changed. Needs nothing but Node and the npm registry. It is also what npm runs (as
// `prepare`) where another project installs the checkout, or where it is packed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import process from 'node:process';

const root = fileURLToPath(new URL('..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`tract-ts needs Node 20.19 or newer; this is ${process.version}`);

const lockfile = readFileSync(`${root}package-lock.json`);
const wanted = createHash('sha256').update(lockfile).digest('hex');
const stamp = `${root}node_modules/.installed-lockfile`;
const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
if (installed !== wanted) {
  console.error('Installing dependencies…');
  // Here, even where a global installation of this package (npm install -g) is what runs this script.
  const here = ['--no-global', '--location=project'];
  run('npm', ['ci', '--ignore-scripts', ...here, '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}
if (process.argv.includes('--build')) {
  run(process.execPath, [`${root}node_modules/typescript/bin/tsc`]);
  chmodSync(`${root}dist/cli/main.js`, 0o755);
}

if (process.argv.includes('--page')) {
  const built = `${root}dist/studio/page/.built-from`;
  const now = digest([
    ...filesIn(`${root}studio`),
    ...filesIn(`${root}dist`).filter(
      (file) => file.endsWith('.js') && !file.startsWith(`${root}dist/studio/page`),
    ),
    stamp,
  ]);
  if (!existsSync(built) || readFileSync(built, 'utf8') !== now) {
    run(process.execPath, [
      `${root}node_modules/vite/bin/vite.js`,
      'build',
      '--config',
      `${root}studio/vite.config.mjs`,
    ]);
    writeFileSync(built, now);
  }
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}

function digest(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function run(command, parameters) {
  // npm is a .cmd file on Windows, which only a shell starts.
  const shell = process.platform === 'win32' && command === 'npm';
  const { status, error } = spawnSync(command, parameters, { cwd: root, stdio: ['ignore', 2, 2], shell });
  if (error || status !== 0)
    fail(`${command} ${parameters.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}
