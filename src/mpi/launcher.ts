/** What started this process: MPI's launchers say so in the environment. */

/** Implementations of MPI whose launchers and libraries go together. */
export type Family = 'MPICH' | 'Open MPI';

/** A launcher that started several processes. */
export interface Launcher {
  /** Undefined where it starts those of either: Slurm's srun. */
  readonly family: Family | undefined;
  /** Whether it connects processes by PMIx, without which Open MPI's end at once. */
  readonly hasPmix: boolean;
  readonly rank: number;
  /** How many processes it started. */
  readonly size: number;
  /** The variable that says how many. */
  readonly variable: string;
  /** Which of the processes on this machine it is, from 0; where the launcher does not say so, the rank. */
  readonly localRank: number;
}

/** By the variables that a launcher sets: the number of processes, the rank, and the rank on the machine. */
const launchers = [
  // mpirun of Open MPI.
  ['Open MPI', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_LOCAL_RANK'],
  // Hydra of MPICH, Intel MPI and MVAPICH.
  ['MPICH', 'PMI_SIZE', 'PMI_RANK', 'MPI_LOCALRANKID'],
  // Slurm's srun with PMIx, which both have; or with nothing that connects them.
  [undefined, 'SLURM_STEP_NUM_TASKS', 'SLURM_PROCID', 'SLURM_LOCALID'],
] as const;

/**
 * The launcher of this process; undefined where it was started by itself, as the only one by a launcher, too.
 *
 * @param environment such as `process.env`
 */
export function launcherOf(environment: Readonly<Record<string, string | undefined>>): Launcher | undefined {
  const number = (name: string): number => {
    const text = environment[name] ?? '';
    return /^\d{1,7}$/.test(text) ? Number(text) : NaN;
  };
  for (const [family, variable, ownRank, localRank] of launchers) {
    const [size, rank, local] = [number(variable), number(ownRank), number(localRank)];
    if (!(size >= 1 && rank < size)) continue;
    if (size === 1) return undefined;
    const hasPmix = environment.PMIX_RANK !== undefined;
    return { family, hasPmix, rank, size, variable, localRank: Number.isNaN(local) ? rank : local };
  }
  return undefined;
}
