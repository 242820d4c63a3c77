/** MPI's libraries: where they are, and what their constants are. */
import type { Family, Launcher } from './launcher.js';

/** The forms that MPI's handles have: integers, addresses of symbols, or those of the standard ABI of MPI 5. */
export type Abi = 'MPICH' | 'Open MPI' | 'standard';

/** Names that the system's loader finds libraries by, in the order in which they are tried. */
const names: Readonly<Record<Abi, readonly string[]>> =
  process.platform === 'darwin'
    ? {
        standard: ['libmpi_abi.dylib', 'libmpi_abi.1.dylib', 'libmpi_abi.0.dylib'],
        MPICH: ['libmpich.12.dylib', 'libmpi.12.dylib', 'libpmpi.12.dylib'],
        'Open MPI': ['libmpi.40.dylib'],
      }
    : {
        standard: ['libmpi_abi.so', 'libmpi_abi.so.1', 'libmpi_abi.so.0'],
        // Debian's name, and that of all others that have MPICH's ABI.
        MPICH: ['libmpich.so.12', 'libmpi.so.12'],
        'Open MPI': ['libmpi.so.40'],
      };

export interface Candidate {
  readonly path: string;
  readonly abi: Abi;
}

/** The libraries that a launcher's processes may use, those first that are preferred. */
export function candidates({ family, hasPmix }: Pick<Launcher, 'family' | 'hasPmix'>): Candidate[] {
  const either = hasPmix ? (['Open MPI', 'MPICH'] as const) : (['MPICH', 'Open MPI'] as const);
  const abis: readonly Abi[] = ['standard', ...(family ? [family] : either)];
  return abis.flatMap((abi) => names[abi].map((path) => ({ path, abi })));
}

/** The package of Debian's that has a library. */
export const debianPackages: Readonly<Record<Family, string>> = {
  MPICH: 'libmpich12',
  'Open MPI': 'libopenmpi3',
};

/** What a library's version says it is. */
export function familyOf(version: string): Family {
  return /open mpi/i.test(version) ? 'Open MPI' : 'MPICH';
}

/** A version as a sentence has room for it: `MPICH 4.0.2`, `Open MPI 4.1.4`. */
export function shortVersion(version: string): string {
  const number = /\d+(?:\.\d+)+/.exec(version)?.[0];
  const name = /intel/i.test(version) ? 'Intel MPI' : familyOf(version);
  return number === undefined ? name : `${name} ${number}`;
}

/** Constants of an ABI. A text is the name of a symbol, whose address it is. */
export interface Constants {
  /** C's type of a handle. */
  readonly handle: 'int' | 'void *';
  readonly world: number | string;
  readonly float: number | string;
  readonly errorsReturn: number | string;
  readonly inPlace: bigint;
  readonly statusIgnore: bigint;
  readonly anySource: number;
  /** Only the main thread calls MPI. */
  readonly funneled: number;
}

export const constants: Readonly<Record<Abi, Constants>> = {
  MPICH: {
    handle: 'int',
    world: 0x44000000,
    float: 0x4c00040a,
    errorsReturn: 0x54000001,
    inPlace: -1n,
    statusIgnore: 1n,
    anySource: -2,
    funneled: 1,
  },
  'Open MPI': {
    handle: 'void *',
    world: 'ompi_mpi_comm_world',
    float: 'ompi_mpi_float',
    errorsReturn: 'ompi_mpi_errors_return',
    inPlace: 1n,
    statusIgnore: 0n,
    anySource: -1,
    funneled: 1,
  },
  // MPI 5.0, chapter 20 and appendix A.
  standard: {
    handle: 'void *',
    world: 0x101,
    float: 0x210,
    errorsReturn: 0x143,
    inPlace: 1n,
    statusIgnore: 0n,
    anySource: -1,
    funneled: 1024,
  },
};
