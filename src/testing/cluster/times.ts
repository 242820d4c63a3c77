/** What a step of ResNet-18 takes: fused, cut, and in two and four processes of one thread. */
import { fileURLToPath } from 'node:url';
import { launch } from '../mpi.js';
import { type Setting, check } from './setting.js';

const script = fileURLToPath(new URL('step-times.js', import.meta.url));

export async function times({ mpis }: Setting): Promise<void> {
  for (const mpi of mpis) {
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
