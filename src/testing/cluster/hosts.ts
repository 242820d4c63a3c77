/**
 * Two "hosts" on this machine: network namespaces of this process's own with a link between them, which may be slow, lossy or
 * down. Needs Linux, root, and iproute2.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const names = [`tract-${process.pid}-a`, `tract-${process.pid}-b`] as const;
const addresses = ['10.77.0.1', '10.77.0.2'] as const;

/** Names of the ends of both links, the same in both namespaces. */
const VETH = 'tract-veth';
const TUN = 'tract-tun';

const forwarder = fileURLToPath(new URL('forwarder.js', import.meta.url));

/** Prints the median time that it takes a host to refuse a connection. */
const refusals = `
  const { connect } = require('node:net');
  const times = [];
  const next = () => {
    const began = performance.now();
    connect(9, process.argv[1]).on('error', () => {
      if (times.push(performance.now() - began) < 11) next();
      else console.log(times.sort((a, b) => a - b)[5]);
    });
  };
  next();
`;

/** What a link does to packets, in either direction. */
export interface Impairment {
  /** Milliseconds that a packet takes, and by how many more or fewer. */
  readonly delay: number;
  readonly jitter: number;
  /** The share of packets that is lost, in percent. */
  readonly loss: number;
}

/** What a command prints. @throws Error with what it says is wrong */
function run(...[file, ...parameters]: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, parameters, { encoding: 'utf8' });
  if (error ?? status !== 0)
    throw new Error(`${[file, ...parameters].join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** Why there cannot be such hosts here; undefined where there can. */
export function noHosts(): string | undefined {
  try {
    run('ip', 'netns', 'add', names[0]);
    run('ip', 'netns', 'delete', names[0]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export class Hosts {
  readonly addresses = addresses;
  /** What a launcher runs in place of ssh. */
  readonly agent: string;
  /** What runs a launcher on the first host. */
  readonly prefix: readonly string[];
  #link: typeof VETH | typeof TUN = VETH;
  #forwarder: ChildProcess | undefined;

  /** @param folder for the script that stands in for ssh */
  constructor(folder: string) {
    for (const name of names) {
      run('ip', 'netns', 'add', name);
      run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    }
    const other = ['peer', 'name', VETH, 'netns', names[1]];
    run('ip', '-n', names[0], 'link', 'add', VETH, 'type', 'veth', ...other);
    this.#address(VETH);
    this.agent = join(folder, 'agent.sh');
    // As ssh: options, a host, and the words of a command line. Each host has a name of its own.
    writeFileSync(
      this.agent,
      [
        '#!/bin/sh',
        'while [ "${1#-}" != "$1" ]; do shift; done',
        `case "$1" in ${addresses[0]}) host=a name=${names[0]};; ${addresses[1]}) host=b name=${names[1]};; *) exit 255;; esac`,
        'shift',
        'exec ip netns exec $name unshare --uts sh -c "hostname host-$host; $*"',
        '',
      ].join('\n'),
    );
    chmodSync(this.agent, 0o755);
    const shell = ['sh', '-c', 'hostname host-a; "$@"', 'sh'];
    this.prefix = ['ip', 'netns', 'exec', names[0], 'unshare', '--uts', ...shell];
  }

  /**
   * Makes the link slow and lossy: by the kernel's netem, or where it has none by a process between two TUN devices.
   *
   * @returns by what
   */
  async impair({ delay, jitter, loss }: Impairment): Promise<string> {
    const words = ['netem', 'delay', `${delay}ms`, `${jitter}ms`, 'loss', `${loss}%`];
    try {
      for (const name of names) run('tc', '-n', name, 'qdisc', 'add', 'dev', VETH, 'root', ...words);
      return 'netem';
    } catch {
      // The kernel was built without.
    }
    for (const name of names) {
      run('ip', '-n', name, 'address', 'flush', 'dev', VETH);
      run('ip', '-n', name, 'link', 'set', VETH, 'down');
      run('ip', '-n', name, 'tuntap', 'add', 'dev', TUN, 'mode', 'tun');
    }
    const parameters = [TUN, ...[delay, jitter, loss].map(String), ...names];
    const child = spawn(process.execPath, [forwarder, ...parameters], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#forwarder = child;
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => {
        reject(new Error(`the forwarder ended with ${code}`));
      });
      child.stdout.once('data', () => {
        resolve();
      });
    });
    this.#link = TUN;
    this.#address(TUN);
    return 'a process between two TUN devices';
  }

  /** Makes the link narrow, by the kernel's token bucket. @param words how wide it is, and what becomes of the rest */
  narrow(...words: readonly string[]): void {
    for (const name of names)
      run('tc', '-n', name, 'qdisc', 'add', 'dev', this.#link, 'root', 'tbf', ...words);
  }

  /** Takes the link down. */
  cut(): void {
    run('ip', '-n', names[1], 'link', 'set', this.#link, 'down');
  }

  /** Milliseconds that a packet takes to the other host and back, the median of a few: of connections that are refused. */
  roundTrip(): number {
    return Number(run('ip', 'netns', 'exec', names[0], process.execPath, '-e', refusals, addresses[1]));
  }

  /** How many packets were carried, and dropped; where the kernel does it, it is not known. */
  async packets(): Promise<string> {
    const child = this.#forwarder;
    if (!child?.stdout) return '';
    const { stdout } = child.removeAllListeners('exit');
    const said = new Promise<string>((resolve) =>
      stdout!.once('data', (text) => {
        resolve(String(text).trim());
      }),
    );
    child.kill();
    return said;
  }

  /** Ends what is still running on the hosts, and takes them away. */
  remove(): void {
    for (const name of names) {
      const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
      for (const pid of stdout.split('\n').map(Number)) if (pid > 0) killed(pid);
      spawnSync('ip', ['netns', 'delete', name]);
    }
    this.#forwarder?.removeAllListeners('exit').kill('SIGKILL');
  }

  #address(device: string): void {
    names.forEach((name, i) => {
      run('ip', '-n', name, 'address', 'add', `${addresses[i]}/24`, 'dev', device);
      run('ip', '-n', name, 'link', 'set', device, 'up');
    });
    // UCX looks for it when a process begins; the kernel takes a moment.
    const isUp = (name: string): boolean =>
      /LOWER_UP.* state (?:UP|UNKNOWN)/.test(run('ip', '-n', name, 'link', 'show', device));
    for (let i = 0; i < 50 && !names.every(isUp); i++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
