import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, describe, it } from 'node:test';
import type { Command } from './contender.js';
import { type Measured, measure } from './measure.js';

/** What programs that run at the same time see of each other. */
const folder = mkdtempSync(join(tmpdir(), 'tract-bench-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A program that speaks the bench's protocol, and whose steps take as many milliseconds, it says, as there are programs
 * running, itself included.
 *
 * @param limit it fails where there are more
 */
const fake = (name: string, limit = 10): Command => ({
  program: process.execPath,
  parameters: [
    '--input-type=module',
    '-e',
    `import { readdirSync, rmSync, writeFileSync } from 'node:fs';
    import { createInterface } from 'node:readline';
    const [folder, name, limit] = ${JSON.stringify([folder, name, limit])};
    writeFileSync(folder + '/' + name, '');
    process.on('exit', () => rmSync(folder + '/' + name));
    const count = () => readdirSync(folder).length;
    console.log(JSON.stringify({ firstStepMilliseconds: count() }));
    for await (const line of createInterface({ input: process.stdin })) {
      if (count() > limit) throw new Error('too crowded');
      console.log(JSON.stringify({ milliseconds: Array(JSON.parse(line).steps).fill(count()) }));
    }
    console.log(JSON.stringify({ peakBytes: 1 }));`,
  ],
});

const times = (measured: unknown): number[] => [...new Set((measured as Measured).turns.flat())];

describe('a measurement', () => {
  it('runs peers alone first, and then in turns with everything else', async () => {
    const progress: string[] = [];
    const result = await measure(
      {
        matmul: fake('matmul'),
        vanilla: fake('vanilla'),
        tract: fake('tract'),
        peers: {
          sensitive: fake('sensitive'),
          fragile: fake('fragile', 2),
          broken: fake('broken', 0),
        },
      },
      { steps: 4, onProgress: (doing) => progress.push(doing) },
    );
    const { sensitive, fragile, broken } = result.peers;

    assert.ok(typeof sensitive === 'object' && typeof fragile === 'object');
    assert.deepEqual(times(sensitive.alone), [1]);
    // Three of this project and two peers; the broken one is not tried again.
    assert.deepEqual(times(sensitive.inTurns).at(0), 5);
    assert.equal(sensitive.alone.turns.flat().length, 4);
    assert.deepEqual(times(fragile.alone), [1]);
    assert.match(fragile.inTurns as string, /exit code 1: Error: too crowded/);
    assert.match(broken as string, /exit code 1: Error: too crowded/);

    assert.equal(result.tract.turns.length, 2);
    assert.deepEqual(progress.slice(0, 4), [
      'sensitive, alone',
      'fragile, alone',
      'broken, alone',
      'starting matmul',
    ]);
  });

  it('ends with the failure of a program of its own', async () => {
    const programs = { matmul: fake('matmul'), vanilla: fake('vanilla', 0), tract: fake('tract'), peers: {} };
    await assert.rejects(measure(programs, { steps: 1 }), /too crowded/);
  });
});
