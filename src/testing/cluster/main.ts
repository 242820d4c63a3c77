/**
 * `npm run cluster -- --part matrix|runs|failures|kills|network|times --mpi mpich|openmpi`: what several processes promise, tried at length by the
 * launchers that are installed. It takes minutes, and is no test of the suite.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../../random/random.js';
import type { Outcome } from '../command.js';
import { runCommand as tract } from '../torture/kill.js';
import { type Mpi, type RanksOptions, launch, leftBehind, mpis, rankProcesses, tractRanks } from '../mpi.js';
import { Hosts, noHosts } from './hosts.js';

const parts = { matrix, runs, failures, kills, network, times } as const;
type Part = keyof typeof parts;

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true },
    mpi: { type: 'string' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '0' },
  },
});
const chosen = values.part ?? Object.keys(parts);
const unknown = chosen.find((part) => !Object.hasOwn(parts, part));
if (unknown !== undefined) {
  console.error(`cluster: there is no part ${unknown}; there are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const count = Number(values.count);
const random = Random.fromSeed(Number(values.seed), 'cluster');

const folder = mkdtempSync(join(tmpdir(), 'tract-cluster-'));
const wanted = mpis.filter(({ command }) => values.mpi === undefined || command.endsWith(`.${values.mpi}`));
const installed = wanted.filter(({ missing }) => !missing);
for (const { missing } of wanted) if (missing) console.log(`left out: ${missing}`);

const data = ['--limit-train', '96', '--limit-test', '40', '--batch-size', '16', '--threads', '1', '--json'];
const models: Readonly<Record<string, readonly string[]>> = {
  'mlp, TrAct (dual form), SGD': ['--model', 'mlp', '--width', '32', '--tract'],
  'mlp, vanilla, Adam': ['--model', 'mlp', '--width', '32', '--optimizer', 'adam'],
  'vit, TrAct, Adam': ['--model', 'vit', '--width', '24', '--depth', '1', '--tract', '--optimizer', 'adam'],
  'vit, vanilla, SGD': ['--model', 'vit', '--width', '24', '--depth', '1'],
  'resnet18, TrAct, SGD': ['--model', 'resnet18', '--width', '4', '--tract'],
  'resnet18, vanilla, Adam': ['--model', 'resnet18', '--width', '4', '--optimizer', 'adam'],
};
const small = ['train', ...data, ...models['mlp, TrAct (dual form), SGD'], '--shards', '4'];
const saboteur = new URL('saboteur.js', import.meta.url).href;

let runsMade = 0;
const fresh = (): string => join(folder, `run-${++runsMade}`);
const last = (out: string): Buffer => readFileSync(join(out, 'last.safetensors'));

function check(holds: boolean, what: string, { code, stderr }: Partial<Outcome> = {}): void {
  if (holds) return;
  throw new Error([what, ...(code === undefined ? [] : [`exit code ${code}`, stderr ?? ''])].join('\n'));
}

/** The checkpoint of one process. */
async function alone(flags: readonly string[]): Promise<Buffer> {
  const out = fresh();
  const outcome = await tract([...flags, '--out', out]);
  check(outcome.code === 0, 'one process', outcome);
  return last(out);
}

/** 1, 2 and 4 ranks of both families, for all kinds of models. */
async function matrix(): Promise<void> {
  for (const [name, model] of Object.entries(models)) {
    const flags = ['train', ...data, ...model, '--epochs', '2', '--shards', '4'];
    const expected = await alone(flags);
    for (const mpi of installed) {
      for (const size of [1, 2, 4]) {
        const out = fresh();
        const outcome = await tractRanks(mpi, size, [...flags, '--out', out]);
        check(outcome.code === 0, `${name}: ${size} of ${mpi.name}`, outcome);
        check(last(out).equals(expected), `${name}: ${size} of ${mpi.name} end with other bits`);
      }
    }
    console.log(
      `${name}: the bits of one process in 1, 2 and 4 of ${installed.map((mpi) => mpi.name).join(' and ')}`,
    );
  }
}

/** Many short runs: a library that now and then crashes is found out. */
async function runs(): Promise<void> {
  const flags = [...small, '--epochs', '1'];
  const expected = await alone(flags);
  for (const mpi of installed) {
    for (let i = 0; i < count; i++) {
      const out = fresh();
      const outcome = await tractRanks(mpi, 2, [...flags, '--out', out]);
      check(outcome.code === 0, `run ${i + 1} of ${mpi.name}`, outcome);
      check(last(out).equals(expected), `run ${i + 1} of ${mpi.name} ended with other bits`);
      rmSync(out, { recursive: true });
    }
    console.log(
      `${count} runs in two processes of ${mpi.name}: none crashed, and all ended with the same bits`,
    );
  }
}

/** Seconds within which a run ends everywhere after one of its processes has failed. */
const LIMIT = 10;

interface Failure {
  readonly what: string;
  readonly options: RanksOptions;
  /** Called when the run goes on; what it does is the failure. */
  /** Whether the launcher's exit code may be 0 all the same. */
  readonly mayBeZero?: boolean;
  readonly fail: (pids: readonly number[]) => void;
}

/** Lets a run of two ranks fail, and go on in another number of processes to the bits of one that was left alone. */
async function failing(
  mpi: Mpi,
  expected: Buffer,
  flags: readonly string[],
  failure: Failure,
): Promise<void> {
  const out = fresh();
  let pids: readonly number[] = [];
  let failed = 0;
  const outcome = await tractRanks(mpi, 2, [...flags, '--out', out], {
    ...failure.options,
    onOutput(stdout, launcher) {
      if (!stdout.includes('"event":"epoch"')) return false;
      void rankProcesses(launcher).then((found) => {
        pids = found;
        failed = performance.now();
        failure.fail(found);
      });
      return true;
    },
  });
  const seconds = (performance.now() - failed) / 1000;
  const what = `${mpi.name}: ${failure.what}`;
  const isOver = outcome.stdout.includes('"event":"end"');
  check(failed > 0 && !isOver, `${what}: the run did not fail`, outcome);
  check(outcome.code !== 0 || failure.mayBeZero === true, `${what}: the exit code is 0`, outcome);
  check((await leftBehind(pids)).length === 0, `${what}: processes were left behind`, outcome);
  check(seconds < LIMIT, `${what}: it took ${seconds.toFixed(1)} s`, outcome);
  const said = outcome.stderr.split('\n').filter((line) => /error: /.test(line));
  check(said.length <= 1, `${what}: more than one sentence`, outcome);
  // By four processes, and without a launcher.
  const evaluated = await tract(['eval', out]);
  check(evaluated.code === 0, `${what}: the checkpoint is not whole`, evaluated);
  // On the machine that rank 0 was on: elsewhere nobody knows that it has ended.
  const { prefix = [] } = failure.options;
  const resumed = await tractRanks(mpi, 4, ['train', '--resume', out, '--threads', '1', '--json'], {
    prefix,
  });
  check(resumed.code === 0, `${what}: resuming`, resumed);
  check(last(out).equals(expected), `${what}: resumed to other bits`);
  console.log(
    `${what}: ended after ${seconds.toFixed(1)} s, resumed to the same bits${said[0] ? `\n  ${said[0]}` : ''}`,
  );
}

const long = [...small, '--limit-train', '32', '--epochs', '40'];

/** A rank is killed, throws, ends early, or is stopped. */
async function failures(): Promise<void> {
  const expected = await alone(long);
  for (const mpi of installed) {
    for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGSTOP'] as const) {
      const fail = ([, second]: readonly number[]): void => void process.kill(second, signal);
      await failing(mpi, expected, long, { what: `rank 1 gets ${signal}`, options: {}, fail });
    }
    const first: Failure['fail'] = ([own]) => void process.kill(own, 'SIGSTOP');
    await failing(mpi, expected, long, { what: 'rank 0 gets SIGSTOP', options: {}, fail: first });
    for (const how of ['throw', 'exit', 'vanish']) {
      const order = join(folder, `${mpi.name}-${how}`);
      await failing(mpi, expected, long, {
        what: `rank 1: ${how}`,
        // MPICH's launcher ends all others where one exits without a word, and takes its exit code.
        mayBeZero: mpi.name === 'MPICH' && how === 'vanish',
        options: { environment: { NODE_OPTIONS: `--import=${saboteur}`, TRACT_SABOTAGE: order } },
        fail: () => {
          writeFileSync(order, how);
        },
      });
    }
  }
}

/** Ten kills of any rank at any moment. */
async function kills(): Promise<void> {
  const flags = [...small, '--epochs', '40'];
  const expected = await alone(flags);
  for (const mpi of installed) {
    const out = fresh();
    const moments: string[] = [];
    while (moments.length < 10) {
      const parameters =
        moments.length === 0
          ? [...flags, '--out', out]
          : ['train', '--resume', out, '--threads', '1', '--json'];
      const [size, wait] = [[1, 2, 4][random.integer(3)], random.uniform(0, 1500)];
      const victim = random.integer(size);
      const outcome = await tractRanks(mpi, size === 1 ? 2 : size, parameters, {
        onOutput(stdout, launcher) {
          if (!stdout.includes('"event":"checkpoint"') && !stdout.includes('"event":"start"')) return false;
          setTimeout(() => {
            void rankProcesses(launcher).then((pids) => {
              if (pids[victim]) process.kill(pids[victim], 'SIGKILL');
            });
          }, wait);
          return true;
        },
      });
      moments.push(`rank ${victim} after ${wait.toFixed(0)} ms`);
      if (outcome.code === 0) break;
    }
    const resumed = await tractRanks(mpi, 4, ['train', '--resume', out, '--threads', '1', '--json']);
    check(resumed.code === 0, `${mpi.name}, killed: ${moments.join(', ')}`, resumed);
    check(last(out).equals(expected), `${mpi.name}: other bits after ${moments.join(', ')}`);
    console.log(`${mpi.name}: the same bits after ${moments.length} kills (${moments.join(', ')})`);
  }
}

/** Links: good; slow; slow and lossy; narrow, which drops what does not get through. */
const shapes = [
  '',
  'netem delay 5ms',
  'netem delay 5ms 2ms loss 1%',
  'tbf rate 100mbit burst 16kb limit 32kb',
] as const;

/** Two hosts with a network between them that is slow, lossy, or down. */
async function network(): Promise<void> {
  const reason = noHosts();
  if (reason !== undefined) {
    console.log(`left out: network namespaces are not to be had (${reason})`);
    return;
  }
  const hosts = new Hosts(folder);
  try {
    for (const mpi of installed) {
      const [first, second] = hosts.addresses;
      const flags =
        mpi.name === 'MPICH'
          ? ['-launcher', 'ssh', '-launcher-exec', hosts.agent, '-hosts', `${first},${second}`]
          : [
              ...[
                '--host',
                `${first}:2,${second}:2`,
                '--map-by',
                'node',
                '--mca',
                'plm_rsh_agent',
                hosts.agent,
              ],
              ...['--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self'],
              // Else its launcher waits for the other host, when all processes have ended.
              ...['--mca', 'oob_tcp_keepalive_time', '2', '--mca', 'oob_tcp_keepalive_intvl', '1'],
              ...['--mca', 'oob_tcp_keepalive_probes', '3'],
              ...[
                '--mca',
                'btl_tcp_if_include',
                '10.77.0.0/24',
                '--mca',
                'oob_tcp_if_include',
                '10.77.0.0/24',
              ],
            ];
      const options: RanksOptions = {
        prefix: hosts.prefix,
        flags,
        // Shared memory would be a way around.
        environment: { UCX_TLS: 'tcp,self' },
      };
      const brief = [...small, '--epochs', '2'];
      const expected = await alone(brief);
      for (const words of shapes) {
        const shape = words === '' ? [] : words.split(' ');
        try {
          hosts.shape = shape;
        } catch (error) {
          console.log(`left out: ${words} (${(error as Error).message.split(': ').slice(1).join(': ')})`);
          continue;
        }
        const out = fresh();
        const outcome = await tractRanks(mpi, 4, [...brief, '--out', out], options);
        const what = `${mpi.name} on two hosts, ${words || 'a good link'}`;
        check(outcome.code === 0, what, outcome);
        check(last(out).equals(expected), `${what}: other bits`);
        console.log(`${what}: the same bits`);
      }
      hosts.shape = [];
      await failing(mpi, await alone(long), long, {
        what: 'the link goes down',
        options,
        fail: () => {
          hosts.isUp = false;
        },
      });
      hosts.isUp = true;
    }
  } finally {
    hosts.remove();
  }
}

/** What a step of ResNet-18 takes: fused, cut, and in two and four processes of one thread. */
async function times(): Promise<void> {
  const script = fileURLToPath(new URL('step-times.js', import.meta.url));
  for (const mpi of installed) {
    for (const size of [2, 4]) {
      const parameters = ['-n', String(size), process.execPath, script, '10', '32'];
      const outcome = await launch(mpi, parameters);
      check(outcome.code === 0, `times of ${size} of ${mpi.name}`, outcome);
      const found = JSON.parse(outcome.stdout) as Record<
        'bytes' | 'fused' | 'cut' | 'together' | 'waiting' | 'communication',
        number
      >;
      const ratio = (time: number, to: number): string => (time / to).toFixed(2);
      const ms = (time: number): string => `${time.toFixed(0)} ms`;
      console.log(
        [
          `${mpi.name}, ResNet-18, batch 32, sums of ${(found.bytes / 1e6).toFixed(0)} MB, medians of 10 steps in turns:`,
          `  fused, ${size} threads: ${ms(found.fused)}`,
          `  cut into ${size} shards, ${size} threads: ${ms(found.cut)}, ${ratio(found.cut, found.fused)} of fused`,
          `  ${size} processes of a thread: ${ms(found.together)}, ${ratio(found.together, found.cut)} of cut; communication ${ms(found.communication)} (${ratio(found.communication, found.together)}), waiting ${ms(found.waiting)} (${ratio(found.waiting, found.together)})`,
        ].join('\n'),
      );
    }
  }
}

try {
  for (const part of chosen) await parts[part as Part]();
  rmSync(folder, { recursive: true });
} catch (error) {
  console.error(`${(error as Error).message}\n(the runs are in ${folder})`);
  process.exitCode = 1;
}
