/** What a measurement comes to. */
import { median, overheadOf } from '../compare/statistics.js';
import { traceAlone } from '../nn/model.js';
import type { BenchCase } from './cases.js';
import { MATMUL_OPERATIONS } from './matmul-size.js';
import type { CaseMeasurement, Measured, PeerMeasurement } from './measure.js';
import { trainingOperations } from '../nn/multiply-adds.js';
import type { MemoryStages, StartStages } from './protocol.js';

export interface CaseSummary {
  readonly case: string;
  readonly description: string;
  readonly batchSize: number;
  /** Median step times without and with TrAct. */
  readonly vanillaMilliseconds: number;
  readonly tractMilliseconds: number;
  /** The median of the differences between the steps of neighbouring turns, as a fraction of the vanilla step. */
  readonly overhead: number;
  /** 95 % confidence interval of the overhead. */
  readonly overheadInterval: readonly [number, number];
  /** Of the vanilla step. */
  readonly imagesPerSecond: number;
  /** Floating-point operations of the model's training step, 10⁹ of them. */
  readonly gigaOperations: number;
  /** GFLOP/s of the vanilla step. */
  readonly rate: number;
  /** GFLOP/s of the 2048³ MatMul. */
  readonly matmulRate: number;
  /** rate / matmulRate */
  readonly fraction: number;
  /** Of the process that trains without, and with, TrAct. */
  readonly vanillaPeakBytes: number;
  readonly tractPeakBytes: number;
  readonly start: StartStages;
  readonly memory: MemoryStages;
  readonly peers: readonly PeerSummary[];
}

export interface PeerSummary {
  readonly name: string;
  /** Why there are no figures. */
  readonly failure?: string;
  readonly figures?: PeerFigures;
}

/** Of the better of two measurements: while no other program ran, and taking turns with the others. */
export interface PeerFigures {
  readonly batchSize: number;
  readonly steps: number;
  readonly milliseconds: number;
  readonly imagesPerSecond: number;
  readonly peakBytes: number;
  readonly conditions: string;
  /** Which of them it is. */
  readonly measured: 'alone' | 'in turns';
  readonly aloneMilliseconds: number;
  /** A text where it failed. */
  readonly inTurnsMilliseconds: number | string;
  /** Whether the worse took more than 1.2 times as long, or failed. */
  readonly differ: boolean;
}

/** Medians of the same program that are within this factor of each other count as equal. */
const SAME = 1.2;

export function summarize(benchCase: BenchCase, measurement: CaseMeasurement): CaseSummary {
  const { name, description, batchSize } = benchCase;
  const { matmul, vanilla, tract, peers } = measurement;
  const operations = trainingOperations(traceAlone(benchCase.model(), batchSize, true).graph.nodes);
  const [vanillaMilliseconds, tractMilliseconds] = [medianTime(vanilla), medianTime(tract)];
  const { overhead, interval } = overheadOf(vanilla.turns.flat(), tract.turns.flat());
  const rate = operations / vanillaMilliseconds / 1e6;
  const matmulRate = MATMUL_OPERATIONS / medianTime(matmul) / 1e6;
  return {
    case: name,
    description,
    batchSize,
    vanillaMilliseconds,
    tractMilliseconds,
    overhead,
    overheadInterval: interval,
    imagesPerSecond: (1000 * batchSize) / vanillaMilliseconds,
    gigaOperations: operations / 1e9,
    rate,
    matmulRate,
    fraction: rate / matmulRate,
    vanillaPeakBytes: vanilla.peakBytes,
    tractPeakBytes: tract.peakBytes,
    start: tract.ready.start!,
    memory: tract.ready.memory!,
    peers: Object.entries(peers).map(([peer, measured]) => summarizePeer(peer, measured, batchSize)),
  };
}

function summarizePeer(name: string, measurement: PeerMeasurement, wantedBatch: number): PeerSummary {
  if (typeof measurement === 'string') return { name, failure: measurement };
  const { alone, inTurns } = measurement;
  const aloneMilliseconds = medianTime(alone);
  const inTurnsMilliseconds = typeof inTurns === 'string' ? inTurns : medianTime(inTurns);
  const better =
    typeof inTurns === 'string' || aloneMilliseconds <= Number(inTurnsMilliseconds) ? alone : inTurns;
  const milliseconds = medianTime(better);
  const { batchSize = wantedBatch, conditions = '' } = better.ready;
  const figures: PeerFigures = {
    batchSize,
    steps: better.turns.flat().length,
    milliseconds,
    imagesPerSecond: (1000 * batchSize) / milliseconds,
    peakBytes: better.peakBytes,
    conditions,
    measured: better === alone ? 'alone' : 'in turns',
    aloneMilliseconds,
    inTurnsMilliseconds,
    differ:
      typeof inTurnsMilliseconds === 'string' ||
      Math.max(aloneMilliseconds, inTurnsMilliseconds) > SAME * milliseconds,
  };
  return { name, figures };
}

const medianTime = ({ turns }: Measured): number => median(turns.flat());
