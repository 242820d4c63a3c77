// Builds and packs what is published, into the folder packages/ (or another: npm run package -- FOLDER):
//   tract-ts       the library. It brings no ONNX Runtime: who computes in Node installs onnxruntime-node beside it, who
//                  computes in a browser onnxruntime-web, and nobody both.
//   tract-ts-cli   the command `tract`: the library, and all that the command needs; the page of the Studio with the
//                  part of onnxruntime-web that it uses, so that neither package brings that whole.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import process from 'node:process';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Packages that the library has no need of in Node's command. */
const forPages = ['onnxruntime-web'];
/** Packages that few commands have a need of: koffi where they are started by MPI. */
const forSome = ['koffi'];

/** The command's package.json: the library's, with what is optional there as dependencies. */
export function commandManifest() {
  const { version, license, engines, peerDependencies } = library;
  const left = [...forPages, ...forSome];
  const needed = Object.entries(peerDependencies).filter(([name]) => !left.includes(name));
  return {
    name: 'tract-ts-cli',
    version,
    description: 'The command tract: train vision models in fewer epochs, with TrAct.',
    license,
    type: 'module',
    engines,
    bin: { tract: 'tract.js' },
    files: ['tract.js', 'studio'],
    dependencies: { 'tract-ts': version, ...Object.fromEntries(needed) },
    peerDependencies: Object.fromEntries(forSome.map((name) => [name, peerDependencies[name]])),
    peerDependenciesMeta: Object.fromEntries(forSome.map((name) => [name, { optional: true }])),
  };
}

/** Packs both into a folder; gives the paths of the files. */
export function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  const command = mkdtempSync(join(tmpdir(), 'tract-ts-cli-'));
  try {
    writeFileSync(join(command, 'package.json'), `${JSON.stringify(commandManifest(), null, 2)}\n`);
    writeFileSync(join(command, 'tract.js'), "#!/usr/bin/env node\nimport 'tract-ts/command';\n", {
      mode: 0o755,
    });
    cpSync(join(root, 'dist/studio/page'), join(command, 'studio'), {
      recursive: true,
      filter: (file) => !file.endsWith('.built-from'),
    });
    return [root, command].map((path) => join(folder, pack(path, folder)));
  } finally {
    rmSync(command, { recursive: true });
  }
}

function pack(path, folder) {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    // npm is a .cmd file on Windows, which only a shell starts.
    { cwd: path, encoding: 'utf8', shell: process.platform === 'win32' },
  );
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  return JSON.parse(stdout)[0].filename;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs'), '--build', '--page'], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  for (const file of packAll(resolve(process.argv[2] ?? join(root, 'packages')))) console.log(file);
}
