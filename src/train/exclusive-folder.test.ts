import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { uptime } from 'node:os';
import { temporaryFolder } from '../testing/command.js';
import { OutputError } from '../data/atomic-write.js';
import { ExclusiveFolder } from './exclusive-folder.js';
import { type ProcessIdentity, thisProcess } from './process-identity.js';

const folder = temporaryFolder();
let number = 0;

/** The process id of a process that has ended. */
const endedProcess = (): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', '']);
    child.on('exit', () => {
      resolve(child.pid!);
    });
  });

/** A folder with a lock, whose owner gave a sign of life so many seconds ago. */
function locked(text: string, secondsAgo = 0): string {
  const path = join(folder, String(number++));
  mkdirSync(path);
  writeFileSync(join(path, '.lock'), text);
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(join(path, '.lock'), time, time);
  return path;
}

const lockedBy = (owner: Partial<ProcessIdentity>, secondsAgo?: number): string =>
  locked(JSON.stringify({ ...thisProcess(), token: 'x', ...owner }), secondsAgo);

async function assertTaken(path: string): Promise<void> {
  const owned = await ExclusiveFolder.open(path);
  assert.equal((JSON.parse(readFileSync(join(path, '.lock'), 'utf8')) as ProcessIdentity).pid, process.pid);
  await owned.confirm();
  await owned.close();
  assert.deepEqual(readdirSync(path), []);
}

async function assertRefused(path: string, message: RegExp): Promise<void> {
  const before = readdirSync(path);
  await assert.rejects(ExclusiveFolder.open(path), (error) => {
    assert.ok(error instanceof OutputError);
    assert.match(error.message, message);
    return true;
  });
  assert.deepEqual(readdirSync(path), before);
}

test('a folder is taken once; the owner is named, and the way out', async () => {
  const path = join(folder, 'new', 'folder');
  const owned = await ExclusiveFolder.open(path);
  assert.ok(owned.isNew);
  await assertRefused(
    path,
    new RegExp(
      `folder is in use by process ${process.pid} \\(started \\d{4}-\\d\\d-\\d\\d .*\\): wait until it has ended, end it, or choose another folder$`,
    ),
  );
  await owned.close();
  assert.ok(!existsSync(join(folder, 'new')), 'empty folders were left behind');
});

test('a lock whose owner is gone is taken over: ended, or its number given to another process', async () => {
  const pid = await endedProcess();
  await assertTaken(lockedBy({ pid }));
  const { started, ticks } = thisProcess();
  await assertTaken(
    lockedBy({ started: started - 3_600_000, ...(ticks !== undefined && { ticks: ticks - 360_000 }) }),
  );
});

test(
  'a lock from before the machine was started is taken over',
  { skip: thisProcess().place === undefined && 'elsewhere the start of the process tells' },
  async () => {
    const place = 'another-boot pid:[1]';
    await assertTaken(lockedBy({ place }, uptime() + 60));
    // A machine of the same name, or a container: it cannot be asked.
    await assertRefused(
      lockedBy({ place }, 0),
      /in use by process \d+ on .*; if you know that it has ended, delete/,
    );
  },
);

test('an owner on another machine counts as gone when it has been silent', async () => {
  const host = 'elsewhere.example';
  await assertRefused(
    lockedBy({ host }, 60),
    /in use by process \d+ on elsewhere\.example, which gave a sign of life 6\d seconds ago: .*; if you know that it has ended, delete .*\.lock$/,
  );
  await assertTaken(lockedBy({ host }, 301));
});

test('what is no lock: one that is just being written, remains of a crash, and hostile texts', async () => {
  await assertRefused(locked(''), /in use by another process: try again in 10 seconds/);
  for (const text of [
    '',
    '{',
    'null',
    '{"pid":-1}',
    '{"pid":1,"started":1,"host":"\u001b[31m"}',
    '9'.repeat(20_000),
  ]) {
    await assertTaken(locked(text, 11));
  }
  const path = join(folder, 'link');
  mkdirSync(path);
  symlinkSync(join(folder, 'nowhere'), join(path, '.lock'));
  await assertRefused(path, /\.lock is no file: remove it$/);
  assert.ok(!existsSync(join(folder, 'nowhere')));
});

test('of many that find a stale lock one gets the folder', async () => {
  const path = lockedBy({ pid: await endedProcess() });
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => ExclusiveFolder.open(path)));
  const [owner, ...others] = attempts.flatMap((attempt) =>
    attempt.status === 'fulfilled' ? [attempt.value] : [],
  );
  assert.equal(others.length, 0);
  await owner.confirm();
  await owner.close();
});

test('one that is killed while it removes a stale lock is in nobody’s way', async () => {
  const path = lockedBy({ pid: await endedProcess() });
  const guard = join(path, '.lock.removal');
  writeFileSync(guard, '');
  const time = Date.now() / 1000 - 11;
  utimesSync(guard, time, time);
  await assertTaken(path);
});

test('an owner that was taken for dead notices', async () => {
  const path = join(folder, 'taken-over');
  const owned = await ExclusiveFolder.open(path);
  writeFileSync(join(path, '.lock'), JSON.stringify({ ...thisProcess(), pid: 12345, token: 'y' }));
  await assert.rejects(owned.confirm(), /was taken over by process 12345; this one stops/);
  await owned.close();
  assert.ok(existsSync(join(path, '.lock')), 'the lock of the other was removed');
});

test('what a killed process left half written is removed, and nothing else', async () => {
  const path = join(folder, 'remains');
  mkdirSync(path);
  const remains = 'last.safetensors.123-0123456789abcdef.tmp';
  for (const name of [remains, 'mine.tmp', 'last.safetensors']) writeFileSync(join(path, name), '');
  await (await ExclusiveFolder.open(path)).close();
  assert.deepEqual(readdirSync(path), ['last.safetensors', 'mine.tmp']);
});

test('a process that ends by an error, or by exit(), leaves no lock', async () => {
  const path = join(folder, 'exit');
  mkdirSync(path);
  const module = new URL('exclusive-folder.js', import.meta.url).href;
  for (const end of ['process.exit(3)', 'throw new Error()']) {
    const script = `const { ExclusiveFolder } = await import(${JSON.stringify(module)});
      await ExclusiveFolder.open(${JSON.stringify(path)});
      console.log((await import('node:fs')).readdirSync(${JSON.stringify(path)}).join());
      ${end}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal(output, '.lock\n');
    assert.deepEqual(readdirSync(path), []);
  }
});
