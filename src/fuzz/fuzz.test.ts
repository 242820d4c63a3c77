import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { attempt, inputOf, scratchFolder, seedsOf } from './attempt.js';
import type { FuzzedParser } from './parser.js';
import { parsers } from './parsers.js';
import { supervise } from './supervise.js';
import type { Result } from './work.js';

const folder = scratchFolder();
const worker = fileURLToPath(new URL('work.js', import.meta.url));
after(() => {
  rmSync(folder, { recursive: true });
});

const unlimited = { seconds: Infinity, megabytes: Infinity };
/** Far above what any input takes, on a machine that does other things, too: most take a millisecond or two, and 3 MB. */
const limits = { seconds: 10, megabytes: 256 };
/** What takes a millisecond or two an input: files, and graphs, which are read several times. */
const counts: Readonly<Record<string, number>> = {
  onnx: 9000,
  'onnx-run': 1500,
  'onnx-model': 7500,
  'onnx-exported': 2000,
  cifar: 1000,
  'class-names': 500,
  image: 500,
  archive: 500,
};

type Outcome = Pick<Result, 'accepted' | 'refused' | 'failure'>;

/** In a process with a small heap: one that dies of an input, or never comes back, is told of. */
function apart(parser: FuzzedParser, count: number): Promise<Outcome> {
  const work = { parser: parser.name, seed: 0, start: 0, count, limits, position: join(folder, 'position') };
  return supervise(worker, work, () => undefined);
}

async function here(parser: FuzzedParser, count: number): Promise<Outcome> {
  const seeds = await seedsOf(parser);
  const own = mkdtempSync(join(folder, 'here-'));
  let [accepted, refused] = [0, 0];
  for (let index = 0; index < count; index++) {
    const { outcome, reason } = await attempt(parser, inputOf(parser, seeds, 0, index), own, limits);
    if (reason !== undefined) return { accepted, refused, failure: { index, reason } };
    if (outcome === 'accepted') accepted++;
    else refused++;
  }
  return { accepted, refused };
}

describe('of changed files, nothing but documented errors come', () => {
  for (const parser of parsers) {
    const { name } = parser;
    const count = counts[name] ?? 2000;
    test(`${name}: ${count} inputs`, async () => {
      // A process takes longer to start than most parsers take for all of it.
      const { accepted, refused, failure } = await (name.startsWith('onnx') ? apart : here)(parser, count);
      assert.equal(failure, undefined, `input ${failure?.index} of seed 0: ${failure?.reason}`);
      assert.equal(accepted + refused, count);
      // Some changes do no harm, most do; where it is all or none, nothing is tried.
      assert.ok(accepted > count / 50 && accepted < count * 0.9, `${accepted} of ${count} were accepted`);
    });
  }

  test('20,000 of them are files of models', () => {
    const models = parsers.filter(({ name }) => name.startsWith('onnx'));
    assert.ok(models.reduce((sum, { name }) => sum + counts[name], 0) >= 20_000);
  });
});

/** A parser of nothing. */
const made = (read: FuzzedParser['read']): FuzzedParser => ({
  name: 'made',
  seeds: () => Promise.resolve([Uint8Array.of(1, 2, 3)]),
  mutate: (input) => input,
  read,
  documented: (error) => error instanceof SyntaxError,
});

describe('an input', () => {
  test('is the same for the same seed and number, and another for others', async () => {
    for (const parser of parsers) {
      const [seeds, again] = [await seedsOf(parser), await seedsOf(parser)];
      const inputs = Array.from({ length: 20 }, (_, index) => inputOf(parser, seeds, 5, index));
      for (const index of [19, 3, 0]) {
        const same = inputOf(parser, parser.name === 'image' ? seeds : again, 5, index);
        assert.deepEqual(same, inputs[index], parser.name);
      }
      const different = new Set(inputs.map((input) => Buffer.from(input).toString('latin1')));
      assert.ok(different.size > 10, `${parser.name}: ${different.size} of 20 differ`);
      assert.notDeepEqual(
        Array.from({ length: 20 }, (_, index) => inputOf(parser, seeds, 6, index)),
        inputs,
      );
    }
  });

  test('does not change those it was made of', async () => {
    for (const parser of parsers) {
      const seeds = await seedsOf(parser);
      const before = seeds.map((seed) => Buffer.from(seed).toString('latin1'));
      for (let index = 0; index < 50; index++) inputOf(parser, seeds, 0, index);
      assert.deepEqual(
        seeds.map((seed) => Buffer.from(seed).toString('latin1')),
        before,
        parser.name,
      );
    }
  });

  test('fails by other errors, long messages, and by what it takes', async () => {
    const outcome = async (read: FuzzedParser['read'], limits = unlimited): Promise<string> => {
      const { outcome: found, reason = '' } = await attempt(made(read), new Uint8Array(), folder, limits);
      return `${found} ${reason.split('\n')[0]}`.trim();
    };
    const fail = (error: Error) => (): never => {
      throw error;
    };
    assert.equal(await outcome(() => undefined), 'accepted');
    assert.equal(await outcome(fail(new SyntaxError('damaged'))), 'refused');
    assert.equal(await outcome(fail(new TypeError('what?'))), 'failed TypeError: what?');
    assert.match(
      await outcome(fail(new SyntaxError('x'.repeat(5000)))),
      /^failed a message of 5000 characters: x+…$/,
    );
    assert.match(await outcome(() => undefined, { ...unlimited, seconds: -1 }), /^failed it took 0\.\d s$/);
    assert.match(await outcome(() => undefined, { ...unlimited, megabytes: -1 }), /^failed it took 0 MB$/);
    // Nobody writes to it, so that the system gives no memory for it.
    const buffers: Uint8Array[] = [];
    const allocate = (): void => void buffers.push(new Uint8Array(300e6));
    assert.match(await outcome(allocate, limits), /^failed it took 3\d\d MB$/);
    assert.match(await outcome(() => void new Uint8Array(300e6).fill(1), limits), /^failed it took \d+ MB$/);
  });

  test('of which the process dies, or never comes back, is known by its number', async () => {
    const script = join(folder, 'child.mjs');
    const position = join(folder, 'position');
    const run = (code: string, patience?: number): ReturnType<typeof supervise> => {
      writeFileSync(
        script,
        `import { writeFileSync } from 'node:fs';
const { position, start } = JSON.parse(process.argv[2]);
writeFileSync(position, new BigInt64Array([BigInt(start + 7)]));
${code}`,
      );
      const work = { parser: 'made', seed: 0, start: 100, count: 10, limits: unlimited, position };
      return supervise(script, work, () => undefined, patience);
    };
    const died = (await run(`console.error('last words'); process.exit(3);`)).failure;
    assert.deepEqual(died, { index: 107, reason: 'the process ended with code 3\nlast words\n' });
    const killed = (await run(`process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`)).failure;
    assert.equal(killed?.reason, 'the process ended with SIGKILL\n');
    const stuck = (await run('for (;;);', 2)).failure;
    assert.deepEqual(stuck, { index: 107, reason: 'it did not end within 2 s' });
    const result = { accepted: 1, refused: 2, slowest: [0, 0], largest: [0, 0] };
    assert.deepEqual(await run(`process.send(${JSON.stringify(result)}); process.disconnect();`), result);
  });
});

test('the command tells what came of it', async () => {
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  const fuzz = (...parameters: string[]): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, [main, ...parameters, '--out', join(folder, 'out')]);
  const { stdout } = await fuzz('--parser', 'lambda', '--count', '200', '--seed', '3');
  assert.match(stdout, /^lambda: 200 inputs, \d+ accepted, \d+ refused with documented errors; at most /);
  // A gigabyte of limit is no failure, and one that nothing fits into is.
  const failed = fuzz('--parser', 'lambda', '--index', '7', '--seconds', '0');
  await assert.rejects(failed, (error: { code: number; stdout: string }) => {
    assert.equal(error.code, 1);
    assert.match(error.stdout, /^lambda: input 7 of seed 0 failed: it took 0\.0 s$/m);
    assert.match(error.stdout, /again: npm run fuzz -- --parser lambda --seed 0 --index 7$/m);
    return true;
  });
  const lambda = parsers.find(({ name }) => name === 'lambda')!;
  assert.deepEqual(
    new Uint8Array(readFileSync(join(folder, 'out', 'lambda-0-7'))),
    inputOf(lambda, await seedsOf(lambda), 0, 7),
  );
  await assert.rejects(fuzz('--parser', 'nothing'), { code: 2 });
});
