/** Which launcher started a process is told by its environment; so is that none did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Family, launcherOf } from './launcher.js';
import { candidates, familyOf, shortVersion } from './library.js';

test('launchers are known by what they set', () => {
  const openMpi = { OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_LOCAL_RANK: '1' };
  assert.deepEqual(launcherOf(openMpi), {
    family: 'Open MPI',
    hasPmix: false,
    variable: 'OMPI_COMM_WORLD_SIZE',
    rank: 3,
    size: 4,
    localRank: 1,
  });
  // Slurm sets its own variables beside those of PMI, and MPICH may start in a step of Slurm's that is one task.
  const mpich = { PMI_SIZE: '8', PMI_RANK: '7', SLURM_STEP_NUM_TASKS: '1', SLURM_PROCID: '0' };
  assert.deepEqual(launcherOf(mpich), {
    family: 'MPICH',
    hasPmix: false,
    variable: 'PMI_SIZE',
    rank: 7,
    size: 8,
    localRank: 7,
  });
  const slurm = { SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '1', SLURM_LOCALID: '0', PMIX_RANK: '1' };
  assert.deepEqual(launcherOf(slurm), {
    family: undefined,
    hasPmix: true,
    variable: 'SLURM_STEP_NUM_TASKS',
    rank: 1,
    size: 2,
    localRank: 0,
  });
});

test('one process is no group, and neither is what no launcher sets', () => {
  for (const environment of [
    {},
    { PMI_SIZE: '1', PMI_RANK: '0' },
    { PMI_SIZE: '2' },
    { PMI_SIZE: '2', PMI_RANK: '2' },
    { PMI_SIZE: '-2', PMI_RANK: '0' },
    { PMI_SIZE: '2e3', PMI_RANK: '0' },
    { OMPI_COMM_WORLD_SIZE: '99999999999', OMPI_COMM_WORLD_RANK: '0' },
    // A batch script of Slurm's, which is in no step.
    { SLURM_NTASKS: '8', SLURM_PROCID: '0' },
  ]) {
    assert.equal(launcherOf(environment), undefined, JSON.stringify(environment));
  }
});

test('libraries are those of the launcher, by the standard ABI first', () => {
  const abis = (family: Family | undefined, hasPmix = false) => [
    ...new Set(candidates({ family, hasPmix }).map(({ abi }) => abi)),
  ];
  assert.deepEqual(abis('MPICH'), ['standard', 'MPICH']);
  assert.deepEqual(abis('Open MPI'), ['standard', 'Open MPI']);
  assert.deepEqual(abis(undefined, true), ['standard', 'Open MPI', 'MPICH']);
  assert.deepEqual(abis(undefined), ['standard', 'MPICH', 'Open MPI']);
  const openMpi = 'Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022';
  const mpich = 'MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7 12:34:45 CDT 2022\n';
  assert.deepEqual([openMpi, mpich].map(familyOf), ['Open MPI', 'MPICH']);
  assert.deepEqual([openMpi, mpich].map(shortVersion), ['Open MPI 4.1.4', 'MPICH 4.0.2']);
  assert.equal(shortVersion('Intel(R) MPI Library 2021.14 for Linux* OS'), 'Intel MPI 2021.14');
});
