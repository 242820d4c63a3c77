import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import process from 'node:process';
import { Contender, ContenderError } from './contender.js';

const PATIENCE = 60_000;

const program = (script: string): Contender =>
  new Contender({ program: process.execPath, parameters: ['--input-type=module', '-e', script] });

const wellBehaved = `
  import { createInterface } from 'node:readline';
  console.log(JSON.stringify({ firstStepMilliseconds: 7 }));
  for await (const line of createInterface({ input: process.stdin })) {
    const { warmUp, steps } = JSON.parse(line);
    console.log(JSON.stringify({ milliseconds: Array(steps).fill(warmUp) }));
  }
  console.log(JSON.stringify({ peakBytes: 5 }));
`;

describe('a contender', () => {
  it('is ready, takes turns and ends', async () => {
    const contender = program(wellBehaved);
    assert.deepEqual(await contender.ready(PATIENCE), { firstStepMilliseconds: 7 });
    assert.deepEqual(await contender.turn({ warmUp: 4, steps: 3 }, PATIENCE), [4, 4, 4]);
    assert.deepEqual(await contender.turn({ warmUp: 1, steps: 1 }, PATIENCE), [1]);
    assert.deepEqual(await contender.end(PATIENCE), { peakBytes: 5 });
    await contender.kill();
  });

  it('that dies is reported with its last words', async () => {
    const contender = program("throw new TypeError('out of luck')");
    await assert.rejects(contender.ready(PATIENCE), (error) => {
      assert.ok(error instanceof ContenderError);
      assert.match(error.message, /exit code 1: TypeError: out of luck/);
      return true;
    });
  });

  it('that does not exist is reported', async () => {
    const contender = new Contender({ program: 'no-such-program-anywhere', parameters: [] });
    await assert.rejects(contender.ready(PATIENCE), /cannot be started/);
  });

  it('that stays silent is not waited for', async () => {
    const contender = program('setTimeout(() => {}, 1e6)');
    await assert.rejects(contender.ready(50), /no answer within 0.05 s/);
    await contender.kill();
  });
});
