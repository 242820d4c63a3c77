/** Connects the processes that a launcher of MPI started. */
import { hostname } from 'node:os';
import { optionalPackage } from '../data/optional-package.js';
import { ProcessGroupError } from '../engine/process-group.js';
import { type Launcher, launcherOf } from './launcher.js';
import { type Candidate, candidates, debianPackages, familyOf, shortVersion } from './library.js';
import { Mpi, type NativeLibrary } from './mpi.js';
import type { MpiGroup, MpiGroupOptions } from './mpi-group.js';
import { MpiWorld } from './mpi-world.js';

/** Names a library that is to be used in place of those that are looked for. */
const LIBRARY = 'TRACT_MPI_LIBRARY';

/**
 * The processes that `mpirun` or another launcher of MPI started, connected; undefined where there is no launcher, or where
 * it started one process alone. Loads the MPI library that belongs to the launcher: that of the standard ABI of MPI 5
 * where it is installed, else MPICH's or Open MPI's; or the one that `TRACT_MPI_LIBRARY` names.
 *
 * To be called once in a process, on its main thread. End with `close`, in all processes; one that ends before it ends all.
 *
 * @throws ProcessGroupError where there is no library, or one that does not belong to the launcher
 * @throws Error that says what to install, where the package koffi is missing
 */
export async function mpiGroup(options: MpiGroupOptions = {}): Promise<MpiGroup | undefined> {
  const launcher = launcherOf(process.env);
  if (!launcher) return undefined;
  const { mpi, path } = await libraryFor(launcher);
  const version = shortVersion(mpi.version);
  const { family, hasPmix, size, variable, rank } = launcher;
  const isUnconnected = family === undefined && !hasPmix;
  const unconnected = (): ProcessGroupError =>
    new ProcessGroupError(
      `srun started ${size} processes (${variable}), but ${path} (${version}) knows of one: start them by srun --mpi=pmix for Open MPI, or --mpi=pmi2 for MPICH (srun --mpi=list says what there is)`,
      rank,
    );
  // Its MPI_Init_thread would end the process.
  if (isUnconnected && familyOf(mpi.version) === 'Open MPI') throw unconnected();
  mpi.init();
  if (mpi.size !== size) {
    if (isUnconnected) throw unconnected();
    throw new ProcessGroupError(
      `the launcher started ${size} processes (${variable}), but for ${path} (${version}) there are ${mpi.size}: launcher and library are not of the same MPI`,
      rank,
    );
  }
  const group = new MpiWorld(mpi, options);
  await group.introduce(hostname());
  return group;
}

interface Found {
  readonly mpi: Mpi;
  readonly path: string;
}

async function libraryFor(launcher: Launcher): Promise<Found> {
  const { family, rank, variable } = launcher;
  const { default: koffi } = await optionalPackage(
    'koffi',
    'Training in several processes',
    () => import('koffi'),
  );
  // UCX, which Debian's MPICH is built with, else watches what V8 does with its memory, and crashes now and then.
  process.env.UCX_MEM_EVENTS ??= 'n';
  const load = ({ path, abi }: Candidate): Found | undefined => {
    let library;
    try {
      library = koffi.load(path, { global: true });
    } catch {
      return undefined;
    }
    const mpi = new Mpi(library, abi);
    if (abi !== 'standard' || family === undefined || familyOf(mpi.version) === family) return { mpi, path };
    library.unload();
    return undefined;
  };
  const given = process.env[LIBRARY];
  if (given !== undefined && given !== '') {
    const abi = /mpi_abi/.test(given) ? 'standard' : familyOf(versionOf(koffi, given, rank));
    const found = load({ path: given, abi });
    if (found && (family === undefined || familyOf(found.mpi.version) === family)) return found;
    throw new ProcessGroupError(
      `${variable} says that the launcher is that of ${family ?? 'Slurm'}, but ${LIBRARY} names ${given}, which is ${found ? shortVersion(found.mpi.version) : 'another MPI'}: start it by the mpirun of that MPI, or leave ${LIBRARY} out`,
      rank,
    );
  }
  for (const candidate of candidates(launcher)) {
    const found = load(candidate);
    if (found) return found;
  }
  const names = candidates(launcher).map(({ path }) => path);
  const install = family ? ` (Debian: ${debianPackages[family]})` : '';
  throw new ProcessGroupError(
    `this was started by a launcher of ${family ?? 'MPI'} (${variable}), but none of its libraries is found, ${names.join(', ')}: install it${install}, name it by ${LIBRARY}, or use the mpirun of the MPI that is installed`,
    rank,
  );
}

/** What a library says it is, in whatever way its handles look. @throws ProcessGroupError for no library of MPI */
function versionOf(koffi: { load(path: string): unknown }, path: string, rank: number): string {
  try {
    const library = koffi.load(path) as NativeLibrary;
    const text = new Uint8Array(new ArrayBuffer(8192));
    library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, new Uint8Array(4));
    return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  } catch (error) {
    throw new ProcessGroupError(
      `${LIBRARY} names ${path}, which is no library of MPI: ${(error as Error).message}`,
      rank,
      {
        cause: error,
      },
    );
  }
}
