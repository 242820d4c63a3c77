/** The programs in examples/, run as their readers run them: from the packed package, in a project of their own. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import ts from 'typescript';
import { temporaryFolder } from './testing/command.js';
import { launch, noBrowser } from './testing/browser.js';
import { installPacked, root, runtimeDependencies, shell } from './testing/package.js';
import { bundle, serve } from './testing/web-page.js';

/** The numbers behind each occurrence of a word. */
const numbersAfter = (printed: string, word: string): number[] =>
  [...printed.matchAll(new RegExp(`${word} (\\S+)`, 'g'))].map(([, number]) => Number(number));

/** Losses that begin about where guessing among ten classes is, and end well below. */
function assertFalls(losses: readonly number[], by: number): void {
  assert.ok(losses.length >= 2 && losses.at(-1)! < losses[0] - by, `losses ${losses.join(', ')}`);
}

/** What each program has to print; one that reads what another writes comes after it. */
const expectations: Readonly<Record<string, (printed: string) => void>> = {
  'own-pictures.mjs': (printed) => {
    const [accuracy] = numbersAfter(printed, 'test accuracy');
    assert.ok(accuracy >= 0.9, printed);
  },
  'picture-folder.mjs': (printed) => {
    assert.match(printed, /^120 pictures of 2 classes \(96 train, 24 test\), from 16x16 to 16x16 pixels/m);
    const [accuracy] = numbersAfter(printed, 'test accuracy');
    assert.ok(accuracy >= 0.8, printed);
  },
  'own-model.mjs': (printed) => {
    assert.match(printed, /^blocks\.0\.conv\.weight .*blocks\.1\.norm\.running_var$/m);
    assertFalls(numbersAfter(printed, 'loss'), 0.3);
  },
  'callback.mjs': (printed) => {
    const [first, second, ...others] = printed.split('stopped by the callback');
    assert.equal(others.length, 0, printed);
    const [stopped, left] = [numbersAfter(first, 'loss'), numbersAfter(second, 'loss')];
    assert.deepEqual(
      stopped.map((loss) => loss < 2.1),
      stopped.map((_, i) => i === stopped.length - 1),
    );
    assert.deepEqual(
      left.map((loss) => loss < 1.9),
      left.map((_, i) => i === left.length - 1),
    );
    assert.ok(second.trimStart().startsWith(`epoch ${stopped.length + 1}:`), printed);
  },
  'model-file.mjs': (printed) => {
    assert.match(printed, /^image \[3,32,32\], new: head\.weight$/m);
    const [loss] = numbersAfter(printed, 'loss');
    assert.ok(loss > 1 && loss < 2.6, printed);
  },
  'fine-tuning.mjs': (printed) => {
    const [, start, end] = /loss (\S+) -> (\S+)/.exec(printed) ?? [];
    assertFalls([Number(start), Number(end)], 0.05);
    assert.match(printed, /conv1\.weight is as it was\nfc\.weight is another/);
  },
  'gradient-accumulation.mjs': (printed) => {
    const [, start, end] = /loss (\S+) -> (\S+)/.exec(printed) ?? [];
    assertFalls([Number(start), Number(end)], 0.03);
    const [difference] = numbersAfter(printed, 'whole batches');
    assert.ok(difference < 1e-4, printed);
  },
  'load-and-predict.mjs': (printed) => {
    assert.equal([...printed.matchAll(/^[\w -]+: \d+ %$/gm)].length, 1, printed);
    const [, right, all] = /(\d+) of (\d+) pictures are right/.exec(printed) ?? [];
    assert.ok(Number(right) / Number(all) > 0.25, printed);
  },
  'export-step.mjs': (printed) => {
    assert.match(printed, /step\.onnx: \d+ bytes, \d+ tensors of state/);
  },
  'train-exported-step.mjs': (printed) => {
    assertFalls(numbersAfter(printed, 'loss'), 0.2);
  },
};
const inPage = 'in-a-page.mjs';
/** Tried in src/cli/export-step.test.ts, where there is a Python with its packages. */
const inPython = 'train-exported-step.py';

const project = join(temporaryFolder(), 'project');
const examples = join(project, 'examples');

before(() => {
  installPacked(project, [...runtimeDependencies(), 'onnxruntime-web', 'onnxruntime-common', '@types/node']);
  cpSync(join(project, 'node_modules', 'tract-ts', 'examples'), examples, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
});

describe('the examples', { timeout: 300_000 }, () => {
  it('are all packed, all tried here, and of at most 40 lines, or 60 of Python', () => {
    const names = [...Object.keys(expectations), inPage, inPython].sort();
    // The page for Vite is a project of its own, which `npm run page` builds and opens.
    assert.deepEqual(readdirSync(join(root, 'examples')).sort(), [...names, 'vite'].sort());
    assert.deepEqual(readdirSync(examples).sort(), [...names, 'vite'].sort());
    for (const name of [...names, 'vite/main.ts']) {
      const lines = readFileSync(join(examples, name), 'utf8').trimEnd().split('\n');
      assert.ok(lines.length <= (name === inPython ? 60 : 40), `${name} has ${lines.length} lines`);
    }
  });

  it('fit the declarations of the package', () => {
    const files = readdirSync(examples)
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => join(examples, name));
    const program = ts.createProgram(files, {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      types: ['node'],
      allowJs: true,
      checkJs: true,
      strict: true,
      skipLibCheck: true,
      noEmit: true,
    });
    const complaints = ts
      .getPreEmitDiagnostics(program)
      .map(
        ({ file, messageText }) =>
          `${file?.fileName ?? 'settings'}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      );
    assert.deepEqual(complaints, []);
  });

  for (const [name, check] of Object.entries(expectations)) {
    it(`${name} runs`, () => {
      check(shell(project, process.execPath, `examples/${name}`));
    });
  }

  it(`${inPage} runs in a browser, on what export-step.mjs wrote`, { skip: noBrowser() }, async () => {
    const { code, modules } = await bundle(`import './examples/${inPage}';`, project);
    assert.ok(!modules.some((path) => /tract-ts\/dist|\bdist\//.test(path.split('onnxruntime')[0])));
    const written = ['/runs/step.onnx', '/runs/step.json'];
    const page = await serve(
      code,
      Object.fromEntries(written.map((path) => [path, readFileSync(join(project, path))])),
    );
    const browser = await launch();
    try {
      const tab = await browser.newPage();
      const failed = new Promise<never>((_, reject) => {
        tab.on('pageerror', reject);
      });
      await tab.goto(page.url);
      await Promise.race([tab.getByText('done').waitFor(), failed]);
      const losses = numbersAfter(await tab.locator('body').innerText(), 'loss');
      assert.equal(losses.length, 5);
      assertFalls(losses, 0.2);
    } finally {
      await browser.close();
      await page.close();
    }
  });
});
