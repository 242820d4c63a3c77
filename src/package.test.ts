/** What the README promises of the installed package, tried on the packed one. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import ts from 'typescript';
import { createProgram } from './cli/program.js';
import { temporaryFolder } from './testing/command.js';
import { installPacked, root, runtimeDependencies, shell } from './testing/package.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...readme.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text);

const folder = temporaryFolder();
/** A project with the package and all that it needs to run. */
const project = join(folder, 'project');
/** A project with the package, the types of Node and nothing else: no types of what the package uses. */
const strict = join(folder, 'strict');

before(() => {
  installPacked(project, runtimeDependencies());
  mkdirSync(join(strict, 'node_modules', '@types'), { recursive: true });
  cpSync(join(project, 'node_modules', 'tract-ts'), join(strict, 'node_modules', 'tract-ts'), {
    recursive: true,
  });
  symlinkSync(
    join(root, 'node_modules', '@types', 'node'),
    join(strict, 'node_modules', '@types', 'node'),
    'junction',
  );
  for (const path of [project, strict]) writeFileSync(join(path, 'package.json'), '{ "type": "module" }');
});

const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * What a strict compiler has to say about sources of the strict project and about the package's declarations, which
 * they reach.
 */
function complaints(sources: Readonly<Record<string, string>>, options: ts.CompilerOptions): string[] {
  const settings: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitOverride: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  const files = Object.entries(sources).map(([name, source]) => {
    const file = join(strict, name);
    writeFileSync(file, source);
    return file;
  });
  const host = ts.createCompilerHost(settings);
  const parse = host.getSourceFile.bind(host);
  // The platform's declarations are read once for all settings.
  host.getSourceFile = (file, version, ...rest) => {
    if (file.startsWith(strict.replaceAll('\\', '/')) || !file.endsWith('.d.ts'))
      return parse(file, version, ...rest);
    if (!parsed.has(file)) parsed.set(file, parse(file, version, ...rest));
    return parsed.get(file);
  };
  const program = ts.createProgram(files, settings, host);
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => !/@types|\/typescript\/lib\//.test(fileName));
  assert.ok(ours.length > 50, 'the declarations were not reached');
  return [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...ours.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ].map(
    ({ file, messageText }) =>
      `${file?.fileName ?? 'settings'}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  );
}

const nodeNext = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
const bundler = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const node = { lib: ['lib.es2023.d.ts'], types: ['node'] };
const browser = { lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'], types: [] };

const wholeEntry = "import * as entry from 'tract-ts';\nvoid entry;\n";
const nodeEntry = wholeEntry.replace('tract-ts', 'tract-ts/node');
const readmeSources = blocks('ts');

describe('the declarations of the package need nothing but the platform in the strictest settings', () => {
  it('in Node, and the TypeScript of the README fits them', () => {
    const examples = Object.fromEntries(readmeSources.map((source, i) => [`readme${i}.ts`, source]));
    const sources = { ...examples, 'whole.ts': wholeEntry, 'node.ts': nodeEntry };
    assert.deepEqual(complaints(sources, { ...nodeNext, ...node }), []);
  });

  it('in Node, resolved as bundlers do', () => {
    assert.deepEqual(
      complaints({ 'whole.ts': wholeEntry, 'node.ts': nodeEntry }, { ...bundler, ...node }),
      [],
    );
  });

  it('in browsers', () => {
    assert.deepEqual(complaints({ 'whole.ts': wholeEntry }, { ...bundler, ...browser }), []);
  });

  it('which a mistake does not pass', () => {
    const mistake = "import { resnet18 } from 'tract-ts';\nresnet18({ width: '16' });\n";
    const [complaint, ...others] = complaints({ 'mistake.ts': mistake }, { ...bundler, ...browser });
    assert.match(complaint, /mistake\.ts: Type 'string' is not assignable to type 'number'/);
    assert.deepEqual(others, []);
  });
});

describe('the README', () => {
  for (const [index, source] of readmeSources.entries()) {
    it(`has TypeScript that runs, block ${index + 1} of 2`, () => {
      // As it stands there, but on fewer images.
      const fewer = source.replace('shapes()', 'shapes({ train: 256, test: 64 })');
      const { outputText } = ts.transpileModule(fewer, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      });
      writeFileSync(join(project, `block${index}.js`), outputText);
      const printed = shell(project, process.execPath, `block${index}.js`);
      const wanted = [
        /event: 'step'[^]*testAccuracy: \d/,
        /shape: \[ 1, 3 \][^]*Float64Array[^]*shape: \[ 1, 1, 2, 2 \]/,
      ];
      assert.match(printed, wanted[index]);
    });
  }

  it('names commands and flags that there are', () => {
    const program = createProgram(() => undefined);
    const lines = blocks('sh')
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.startsWith('tract '));
    assert.ok(lines.length > 5);
    for (const line of lines) {
      const [, name, ...words] = line.replace(/#.*/, '').trim().split(/\s+/);
      const command = program.commands.find((candidate) => candidate.name() === name);
      assert.ok(command, line);
      const known = ['--help', ...command.options.map(({ long }) => long)];
      for (const flag of words.filter((word) => word.startsWith('--'))) assert.ok(known.includes(flag), line);
    }
  });
});

describe('installing', { timeout: 300_000 }, () => {
  it('packs what is needed, and neither tests nor what they use', () => {
    const installed = join(project, 'node_modules', 'tract-ts');
    for (const file of [
      'dist/index.js',
      'dist/node.d.ts',
      'dist/cli/main.js',
      'docs/design.md',
      'README.md',
    ]) {
      assert.ok(existsSync(join(installed, file)), file);
    }
    for (const file of ['dist/package.test.js', 'dist/testing', 'dist/bench', 'src', 'scripts']) {
      assert.ok(!existsSync(join(installed, file)), file);
    }
  });

  it('brings no package that is not asked for, and says what is missing', () => {
    const bare = join(folder, 'bare');
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    installPacked(bare, Object.keys(dependencies));
    writeFileSync(join(bare, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(bare, 'main.js'), "import 'tract-ts/node';\n");
    assert.throws(
      () => shell(bare, process.execPath, 'main.js'),
      /which is not installed: npm install onnxruntime-node/,
    );
  });

  it('resolves from the packed files to what a page and the command need, and no more', (t) => {
    const files = JSON.parse(
      shell(
        root,
        process.execPath,
        '--input-type=module',
        '-e',
        `import { packAll } from './scripts/package.mjs'; console.log(JSON.stringify(packAll(${JSON.stringify(folder)})))`,
      ),
    ) as [string, string];
    /** The packages that an installation in an empty folder would have. */
    const resolved = (name: string, ...specifiers: string[]): string[] => {
      const empty = join(folder, name);
      mkdirSync(empty);
      writeFileSync(join(empty, 'package.json'), '{}');
      const quiet = [
        '--package-lock-only',
        '--ignore-scripts',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
      ];
      shell(empty, 'npm', 'install', ...quiet, ...specifiers);
      const lock = JSON.parse(readFileSync(join(empty, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, unknown>;
      };
      return Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''));
    };
    let page: string[];
    try {
      page = resolved('page', files[0], 'onnxruntime-web');
    } catch (error) {
      t.skip(`the npm registry cannot be reached (${(error as Error).message.split('\n', 1)[0]})`);
      return;
    }
    assert.ok(page.includes('onnxruntime-web') && page.includes('tract-ts'));
    for (const name of ['onnxruntime-node', 'sharp', 'vega', 'commander', 'tar'])
      assert.ok(!page.includes(name), name);
    const command = resolved('command', ...files);
    for (const name of ['tract-ts', 'tract-ts-cli', 'onnxruntime-node', 'sharp', 'vega', 'commander'])
      assert.ok(command.includes(name), name);
    for (const name of ['onnxruntime-web', 'koffi']) assert.ok(!command.includes(name), name);
  });

  it('of a checkout builds it first', () => {
    // A checkout with small sources, and what this one has set up already.
    const checkout = join(folder, 'checkout');
    for (const name of [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      '.npmrc',
      'scripts',
      'README.md',
    ]) {
      cpSync(join(root, name), join(checkout, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'), 'junction');
    mkdirSync(join(checkout, 'src', 'cli'), { recursive: true });
    writeFileSync(join(checkout, 'src', 'index.ts'), 'export const answer: number = 42;\n');
    writeFileSync(join(checkout, 'src', 'cli', 'main.ts'), "#!/usr/bin/env node\nconsole.log('built');\n");
    const linked = join(folder, 'linked');
    mkdirSync(linked);
    writeFileSync(join(linked, 'package.json'), '{ "type": "module" }');
    shell(linked, 'npm', 'install', '--offline', '--no-audit', '--no-fund', checkout);
    writeFileSync(join(linked, 'main.js'), "import { answer } from 'tract-ts';\nconsole.log(answer);\n");
    assert.equal(shell(linked, process.execPath, 'main.js'), '42\n');
  });
});
