/**
 * `node forwarder.js DEVICE DELAY JITTER LOSS NAMESPACE NAMESPACE`: carries packets between the TUN devices of two network
 * namespaces, late (by DELAY ± JITTER milliseconds each, so that they overtake each other) and not all of them (LOSS percent
 * are dropped). Prints a line when it is ready, and at SIGTERM another, with how many packets there were.
 */
import { openSync, read, writeSync } from 'node:fs';
import koffi from 'koffi';
import { Random } from '../../random/random.js';

// linux/sched.h, linux/if_tun.h: a new network namespace, the request that attaches a file to a device, and its flags.
const CLONE_NEWNET = 0x40000000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;

/** More than any packet has; of those that wait, at most so many, as in any queue. */
const PACKET = 1 << 16;
const QUEUE = 10_000;

const [device, ...words] = process.argv.slice(2);
const [delay, jitter, loss] = words.map(Number);
const random = Random.fromSeed(0, 'forwarder');

const libc = koffi.load(null);
const setns = libc.func('int setns(int fd, int type)') as (fd: number, type: number) => number;
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)') as (
  fd: number,
  request: number,
  argument: Uint8Array,
) => number;

/** A file whose reads are the packets that a namespace sends to a device, and whose writes are those it gets. */
function attach(namespace: string): number {
  if (setns(openSync(`/run/netns/${namespace}`, 'r'), CLONE_NEWNET) !== 0)
    throw new Error(`${namespace} cannot be entered`);
  const file = openSync('/dev/net/tun', 'r+');
  // struct ifreq: 16 bytes of the name, and the flags.
  const request = Buffer.alloc(40);
  request.write(device);
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
  if (ioctl(file, TUNSETIFF, request) !== 0) throw new Error(`${device} of ${namespace} cannot be opened`);
  return file;
}

let carried = 0;
let dropped = 0;

function forward(from: number, to: number): void {
  const packet = Buffer.alloc(PACKET);
  let waiting = 0;
  const next = (): void => {
    read(from, packet, 0, PACKET, null, (error, length) => {
      if (error) end(error.message);
      if (waiting < QUEUE && random.uniform(0, 100) >= loss) {
        const copy = Buffer.from(packet.subarray(0, length));
        carried++;
        waiting++;
        setTimeout(
          () => {
            waiting--;
            deliver(to, copy);
          },
          random.uniform(delay - jitter, delay + jitter),
        );
      } else dropped++;
      next();
    });
  };
  next();
}

function deliver(to: number, packet: Buffer): void {
  try {
    writeSync(to, packet);
  } catch {
    // The device is down: the packet is lost.
  }
}

/** At once: by its exit the process would wait for reads that are under way. */
function end(sentence: string): void {
  writeSync(1, `${sentence}\n`);
  process.kill(process.pid, 'SIGKILL');
}

process.once('SIGTERM', () => {
  end(`${carried} packets carried, ${dropped} dropped`);
});
const [a, b] = words.slice(3).map(attach);
forward(a, b);
forward(b, a);
console.log('ready');
