/**
 * How the bench speaks with the programs it measures, each a process of its own: one JSON value a line.
 *
 * A program makes its first step, writes a `Ready`, and then for every `Turn` that it reads makes these steps and
 * writes their `Times`. When its standard input ends, it writes an `End` and exits. The programs in bench/peers do the
 * same, in their own languages.
 */
export interface Ready {
  /** Images of a step; fewer than was asked for where a library is too slow for that. */
  readonly batchSize?: number;
  /** What differs from the other programs, in words. */
  readonly conditions?: string;
  readonly firstStepMilliseconds: number;
  /** When each stage of the start was over. */
  readonly start?: StartStages;
  readonly memory?: MemoryStages;
}

/** Milliseconds since the process started. */
export interface StartStages {
  /** The program's modules are loaded. */
  readonly loaded: number;
  /** The graph of the step stands, and the initial state is drawn. */
  readonly built: number;
  /** The graph is lowered for the device and serialised. */
  readonly lowered: number;
  /** ONNX Runtime has made a session of it. */
  readonly session: number;
  readonly firstStep: number;
}

/** Bytes. */
export interface MemoryStages {
  /** One copy of the parameters, running statistics and optimizer state. */
  readonly state: number;
  /** Peaks of the resident set up to the end of each stage. */
  readonly loaded: number;
  readonly built: number;
  readonly lowered: number;
  readonly session: number;
  readonly firstStep: number;
}

export interface Turn {
  /** Steps that are made before the clock runs. */
  readonly warmUp: number;
  readonly steps: number;
}

export interface Times {
  readonly milliseconds: readonly number[];
}

export interface End {
  /** The largest resident set of the process. */
  readonly peakBytes: number;
  /** Processor time of all threads, and of processes of its own, in the turns. */
  readonly processorMilliseconds?: number;
}
