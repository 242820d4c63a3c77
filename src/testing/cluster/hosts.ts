/**
 * Two "hosts" on this machine: network namespaces with a link between them, which may be slow, lossy or down. Needs Linux,
 * root, and iproute2.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const names = ['tract-a', 'tract-b'] as const;
const addresses = ['10.77.0.1', '10.77.0.2'] as const;
const links = ['tract-va', 'tract-vb'] as const;

/** Runs a command. @throws Error with what it printed */
function run(...[file, ...parameters]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(file, parameters, { encoding: 'utf8' });
  if (error ?? status !== 0)
    throw new Error(`${[file, ...parameters].join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Why there cannot be such hosts here; undefined where there can. */
export function noHosts(): string | undefined {
  try {
    run('ip', 'netns', 'add', 'tract-probe');
    run('ip', 'netns', 'delete', 'tract-probe');
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

  /** @param folder for the script that stands in for ssh */
  constructor(folder: string) {
    this.remove();
    for (const name of names) run('ip', 'netns', 'add', name);
    run('ip', 'link', 'add', links[0], 'type', 'veth', 'peer', 'name', links[1]);
    names.forEach((name, i) => {
      run('ip', 'link', 'set', links[i], 'netns', name);
      this.#in(i, 'ip', 'address', 'add', `${addresses[i]}/24`, 'dev', links[i]);
      for (const link of ['lo', links[i]]) this.#in(i, 'ip', 'link', 'set', link, 'up');
    });
    this.agent = join(folder, 'agent.sh');
    // As ssh: options, a host, and the words of a command line. Each host has a name of its own.
    writeFileSync(
      this.agent,
      [
        '#!/bin/sh',
        'while [ "${1#-}" != "$1" ]; do shift; done',
        `case "$1" in ${addresses[0]}) name=${names[0]};; ${addresses[1]}) name=${names[1]};; *) exit 255;; esac`,
        'shift',
        'exec ip netns exec $name unshare --uts sh -c "hostname $name; $*"',
        '',
      ].join('\n'),
    );
    chmodSync(this.agent, 0o755);
    this.prefix = [
      'ip',
      'netns',
      'exec',
      names[0],
      'unshare',
      '--uts',
      'sh',
      '-c',
      `hostname ${names[0]}; "$@"`,
      'sh',
    ];
  }

  /**
   * What the link does to packets, in the words of `tc qdisc`; nothing where there are none.
   *
   * @throws Error where the kernel does not have it
   */
  set shape(words: readonly string[]) {
    for (const i of [0, 1]) {
      const device = ['dev', links[i], 'root'];
      try {
        this.#in(i, 'tc', 'qdisc', 'delete', ...device);
      } catch {
        // There was none.
      }
      if (words.length > 0) this.#in(i, 'tc', 'qdisc', 'add', ...device, ...words);
    }
  }

  /** Takes the link down, or brings it up. */
  set isUp(up: boolean) {
    this.#in(1, 'ip', 'link', 'set', links[1], up ? 'up' : 'down');
  }

  remove(): void {
    for (const name of names) spawnSync('ip', ['netns', 'delete', name]);
  }

  #in(host: number, ...command: readonly string[]): void {
    run('ip', 'netns', 'exec', names[host], ...command);
  }
}
