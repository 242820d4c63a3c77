/** What the README promises of the installed package, tried on the packed one. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

describe('installing', () => {
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

  it('of a checkout, or of what `npm run package` makes of it, builds it first', () => {
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
    writeFileSync(join(linked, 'package.json'), '{}');
    shell(linked, 'npm', 'install', '--offline', '--no-audit', '--no-fund', checkout);
    assert.equal(shell(linked, join(linked, 'node_modules', '.bin', 'tract')), 'built\n');
    rmSync(join(checkout, 'dist'), { recursive: true });
    const packing = shell(checkout, 'npm', 'run', 'package', '--', '--json');
    assert.match(packing, /"path": "dist\/cli\/main\.js"/);
    assert.ok(existsSync(join(checkout, 'tract-ts-0.1.0.tgz')));
  });
});
