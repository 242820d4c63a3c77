/**
 * What a step of ResNet-18 takes: fused, cut, and in two and four processes of one thread; and whether sending takes as long
 * as it should on paper, over a link whose width is known.
 */
import { fileURLToPath } from 'node:url';
import { type Mpi, type RanksOptions, launch } from '../mpi.js';
import { noHosts } from './hosts.js';
import { between, optionsFor } from './network.js';
import { type Setting, check } from './setting.js';

const script = fileURLToPath(new URL('step-times.js', import.meta.url));

/** Milliseconds of a step, and the bytes of the sums. */
type Times = Record<'bytes' | 'fused' | 'cut' | 'together' | 'waiting' | 'communication', number>;

const ms = (time: number): string => `${time.toFixed(0)} ms`;

export async function times(setting: Setting): Promise<void> {
  for (const mpi of setting.mpis) {
    for (const size of [2, 4]) {
      const found = await timesOf(mpi, size);
      const { bytes, fused, cut, together, communication, waiting } = found;
      const ratio = (time: number, to: number): string => (time / to).toFixed(2);
      console.log(
        [
          `${mpi.name}, ResNet-18, batch 32, sums of ${(bytes / 1e6).toFixed(0)} MB, medians of 10 steps in turns:`,
          `  fused, ${size} threads: ${ms(fused)}`,
          `  cut into ${size} shards, ${size} threads: ${ms(cut)}, ${ratio(cut, fused)} of fused`,
          `  ${size} processes of a thread: ${ms(together)}, ${ratio(together, cut)} of cut; communication ${ms(communication)} (${ratio(communication, together)}), waiting ${ms(waiting)} (${ratio(waiting, together)})`,
        ].join('\n'),
      );
    }
    const reason = noHosts();
    if (reason === undefined) await overLink(setting, mpi);
    else console.log(`left out: network namespaces are not to be had (${reason})`);
  }
}

/** Megabits a second. */
const RATE = 1000;
/** Bytes of a packet that the link counts, and that are sums: without the headers of Ethernet, IP, and TCP with timestamps. */
const [FRAME, PAYLOAD] = [1514, 1448];

/** Two processes on two hosts: each sends half of the sums twice. */
async function overLink(setting: Setting, mpi: Mpi): Promise<void> {
  await between(setting, async (hosts) => {
    hosts.narrow('rate', `${RATE}mbit`, 'burst', '256kb', 'latency', '50ms');
    const { bytes, communication } = await timesOf(mpi, 2, optionsFor(mpi, hosts));
    const paper = (1000 * bytes) / (((RATE * 1e6) / 8) * (PAYLOAD / FRAME));
    console.log(
      `  2 processes on two hosts, ${RATE} Mbit/s between them: communication ${ms(communication)}; on paper ${ms(paper)}`,
    );
  });
}

async function timesOf(mpi: Mpi, size: number, options?: RanksOptions): Promise<Times> {
  const outcome = await launch(mpi, ['-n', String(size), process.execPath, script, '10', '32'], options);
  check(outcome.code === 0, `times of ${size} of ${mpi.name}`, outcome);
  return JSON.parse(outcome.stdout) as Times;
}
