/** Every collective, in three processes, by the launchers that are installed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, mpis } from '../testing/mpi.js';

const collectives = fileURLToPath(new URL('../testing/mpi-collectives.js', import.meta.url));

describe('an MPI world', { concurrency: true, timeout: 60_000 }, () => {
  for (const mpi of mpis) {
    it(`gathers, exchanges and broadcasts: ${mpi.name}`, { skip: mpi.missing }, async () => {
      const { code, stdout, stderr } = await launch(mpi, ['-n', '3', process.execPath, collectives]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /all 3 are well/);
    });
  }
});
