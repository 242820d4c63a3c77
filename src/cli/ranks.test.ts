/** `mpirun tract train`, by the launchers that are installed. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { candidates } from '../mpi/library.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';
import { launch, leftBehind, mpis, rankProcesses, tractRanks } from '../testing/mpi.js';

const folder = temporaryFolder();
const alone = join(folder, 'alone');
const data = ['--limit-train', '80', '--limit-test', '40', '--batch-size', '16', '--threads', '1'];
const model = ['--model', 'mlp', '--width', '16', '--tract', '--validation', '0.2'];
const flags = ['train', ...data, ...model, '--epochs', '3', '--shards', '4', '--json'];
const last = (run: string): Buffer => readFileSync(join(run, 'last.safetensors'));
const [mpich, openMpi] = mpis;

/** Events without times and places. */
const figures = (stdout: string): object[] =>
  jsonLines(stdout)
    .filter(({ event }) => event !== 'checkpoint')
    .map((event) =>
      Object.fromEntries(
        Object.entries(event).filter(([name]) => !/second/i.test(name) && !['out', 'ranks'].includes(name)),
      ),
    );

/** Lines of the launchers' own are not counted. */
const sentences = (stderr: string): string[] => stderr.split('\n').filter((line) => /error: /.test(line));

describe('several processes', { concurrency: true, timeout: 120_000 }, () => {
  let expected: object[];

  before(async () => {
    if (mpis.every(({ missing }) => missing)) return;
    const { code, stdout, stderr } = await tract([...flags, '--out', alone]);
    assert.equal(code, 0, stderr);
    expected = figures(stdout);
  });

  for (const [mpi, size] of [[mpich, 4] as const, [openMpi, 2] as const]) {
    it(`train to the bits of one: ${size} of ${mpi.name}`, { skip: mpi.missing }, async () => {
      const run = join(folder, `run-${size}`);
      const { code, stdout, stderr } = await tractRanks(mpi, size, [...flags, '--out', run]);
      assert.equal(code, 0, stderr);
      assert.ok(last(run).equals(last(alone)), 'another checkpoint');
      assert.ok(
        readFileSync(join(run, 'best.safetensors')).equals(readFileSync(join(alone, 'best.safetensors'))),
      );
      assert.deepEqual(figures(stdout), expected);
      const steps = jsonLines(stdout).filter(({ event }) => event === 'step');
      assert.ok(steps.every(({ waitingSeconds }) => typeof waitingSeconds === 'number'));
    });
  }

  it(
    'train a model of an .onnx file to the bits of one, with a report',
    { skip: mpich.missing },
    async () => {
      const file = new URL('../../src/models/fixtures/mobilenet.torchscript.training.onnx', import.meta.url);
      const own = ['train', ...data, '--model', fileURLToPath(file), '--tract', '--optimizer', 'adam'];
      own.push('--epochs', '1', '--shards', '4', '--json');
      const [one, two] = [join(folder, 'file-1'), join(folder, 'file-2')];
      for (const { code, stderr } of [
        await tract([...own, '--out', one]),
        await tractRanks(mpich, 2, [...own, '--out', two], { report: true }),
      ])
        assert.equal(code, 0, stderr);
      assert.ok(last(two).equals(last(one)), 'another checkpoint');
      // The first process makes the page of the run, once.
      const { accuracy } = JSON.parse(readFileSync(join(two, 'evaluation.json'), 'utf8')) as {
        accuracy: number;
      };
      assert.equal(
        accuracy,
        jsonLines(readFileSync(join(two, 'metrics.jsonl'), 'utf8')).at(-1)!.testAccuracy,
      );
      assert.match(readFileSync(join(two, 'report.html'), 'utf8'), /<h2>Classes<\/h2>/);
    },
  );

  it('all stop where one is told to, and go on in another number', { skip: mpich.missing }, async () => {
    const [run, straight] = [join(folder, 'stopped'), join(folder, 'straight')];
    // So many that the signal comes in time on a busy machine, too.
    const own = [...flags, '--epochs', '12'];
    assert.equal((await tract([...own, '--out', straight])).code, 0);
    const stopped = await tractRanks(mpich, 2, [...own, '--out', run], {
      onOutput(stdout, launcher) {
        if (!stdout.includes('"event":"step"')) return false;
        void rankProcesses(launcher).then(([, second]) => process.kill(second, 'SIGTERM'));
        return true;
      },
    });
    assert.equal(stopped.code, 143, stopped.stderr);
    const end = jsonLines(stopped.stdout).at(-1)!;
    assert.deepEqual([end.event, end.interrupted], ['end', true]);
    const resumed = await tractRanks(mpich, 4, ['train', '--resume', run, '--threads', '1', '--json']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.ok(last(run).equals(last(straight)), 'another checkpoint');
  });

  it('end where one does not answer any more, and say which', { skip: mpich.missing }, async () => {
    const run = join(folder, 'hung');
    let ranks: readonly number[] = [];
    let hung = 0;
    const { code, stderr } = await tractRanks(mpich, 2, [...flags, '--epochs', '9999', '--out', run], {
      onOutput(stdout, launcher) {
        if (!stdout.includes('"event":"epoch"')) return false;
        void rankProcesses(launcher).then((pids) => {
          ranks = pids;
          process.kill(pids[1], 'SIGSTOP');
          hung = performance.now();
        });
        return true;
      },
    });
    assert.ok(hung > 0);
    assert.equal(code, 1);
    const [sentence, ...others] = sentences(stderr);
    assert.match(
      sentence,
      /^error: rank 1 of 2 has not answered for 5 seconds.*; the last good checkpoint is .*last/,
    );
    assert.deepEqual(others, []);
    assert.equal(ranks.length, 2);
    assert.deepEqual(await leftBehind(ranks), []);
    assert.equal((await tract(['eval', run])).code, 0, 'the checkpoint is not whole');
  });

  it('that were given different flags are refused', { skip: openMpi.missing }, async () => {
    const main = fileURLToPath(new URL('main.js', import.meta.url));
    const out = join(folder, 'different');
    const one = (seed: string): string[] => [
      '-n',
      '1',
      process.execPath,
      main,
      ...flags,
      '--out',
      out,
      '--seed',
      seed,
    ];
    const { code, stderr } = await launch(openMpi, [...one('1'), ':', ...one('2')]);
    assert.equal(code, 1);
    assert.deepEqual(sentences(stderr), [
      'error: the processes were not given the same --seed: 1 on rank 0, but 2 on rank 1',
    ]);
    assert.ok(!existsSync(out));
  });

  it(
    'are not started with a library of another MPI',
    { skip: mpich.missing || openMpi.missing },
    async () => {
      const { code, stderr } = await tractRanks(mpich, 2, flags, {
        environment: { TRACT_MPI_LIBRARY: 'libmpi.so.40' },
      });
      assert.equal(code, 1);
      assert.equal(sentences(stderr).length, 1, stderr);
      assert.match(stderr, /^error: PMI_SIZE says .* MPICH, but TRACT_MPI_LIBRARY names .* Open MPI/m);
    },
  );

  it('run tract train, and nothing else', { skip: mpich.missing }, async () => {
    const { code, stderr } = await tractRanks(mpich, 2, ['models']);
    assert.equal(code, 2);
    assert.deepEqual(sentences(stderr), [
      'error: tract models runs in one process, not in the 2 that a launcher of MPI started',
    ]);
  });
});

describe('a launcher whose library does not know of it is found out', { concurrency: true }, () => {
  it('that of another Open MPI', { skip: openMpi.missing }, async () => {
    const environment = { OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_RANK: '0' };
    const { code, stderr } = await tract(['models'], { environment });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: the launcher started 2 processes \(OMPI_COMM_WORLD_SIZE\), but for .* there are 1: .*\n$/,
    );
  });

  for (const mpi of mpis) {
    it(`Slurm's, without --mpi: ${mpi.name}`, { skip: mpi.missing }, async () => {
      const library = mpi === mpich ? 'libmpich.so.12' : 'libmpi.so.40';
      const environment = {
        ...{ SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '0' },
        TRACT_MPI_LIBRARY: library,
      };
      const { code, stderr } = await tract(['models'], { environment });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^error: srun started 2 processes .* knows of one: start them by srun --mpi=.*\n$/,
      );
    });
  }
});

/** The environment in which Node does not find modules of which this JavaScript holds, on the `name` that is imported. */
function without(condition: string): Record<string, string> {
  const url = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;
  const resolve = `export const resolve = (name, context, next) => {
    if (${condition}) throw Object.assign(new Error(name), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  };`;
  const hook = `import { register } from 'node:module'; register(${JSON.stringify(url(resolve))});`;
  return { NODE_OPTIONS: `--import=${url(hook)}` };
}

describe('what only several processes need', { concurrency: true }, () => {
  const started = { PMI_SIZE: '2', PMI_RANK: '0' };

  it('is asked for in a sentence: the library', { skip: process.platform !== 'linux' }, async () => {
    // These are found first, and are none.
    const fakes = join(folder, 'fakes');
    mkdirSync(fakes);
    for (const { path } of candidates({ family: 'MPICH', hasPmix: false }))
      writeFileSync(join(fakes, path), '');
    const environment = { ...started, LD_LIBRARY_PATH: fakes };
    const { code, stderr } = await tract(flags, { environment });
    assert.equal(code, 1);
    assert.match(stderr, /^error: this was started by a launcher of MPICH .* none of its libraries is .*\n$/);
  });

  it('is asked for in a sentence: the package that calls it', async () => {
    const environment = { ...started, ...without("name === 'koffi'") };
    const { code, stderr } = await tract(flags, { environment });
    assert.equal(code, 1);
    assert.match(stderr, /^error: Training in several .* not installed: npm install koffi\n$/);
  });

  it('is not loaded by one', async () => {
    const environment = without("name === 'koffi' || name.includes('/mpi/connect')");
    const one = [...flags, '--max-steps', '1', '--out', join(folder, 'plain')];
    const { code, stderr } = await tract(one, { environment });
    assert.equal(code, 0, stderr);
  });
});
