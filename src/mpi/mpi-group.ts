/** What others see of the processes of an MPI world. */
import type { ProcessGroup } from '../engine/process-group.js';

/** How the processes of an MPI world are connected. */
export interface MpiGroupOptions {
  /** Told on rank 0 what a user should know, such as which rank is slow. Default: it is printed on stderr. */
  readonly onNotice?: (sentence: string) => void;
}

/**
 * All processes that a launcher started. Waiting costs no processor time, but for the first millisecond, and has an end: who
 * waits for longer than its own work took, and four seconds, asks all others whether they are there, and one that does not
 * answer ends the run. A process that ends before `close` ends all others.
 */
export interface MpiGroup extends ProcessGroup {
  /** Ends the connection, when all ranks do. @throws ProcessGroupError where another one does not */
  close(): Promise<void>;
  /** Whether another process is ending all of them, and has said why. */
  isEnding(): boolean;
  /** Ends all processes at once. @param code with which they end */
  abort(code: number): void;
}
