/** Measurements as text. */
import { table } from '../cli/layout.js';
import type { CaseSummary } from './summary.js';
import type { MissingPeer } from './peers.js';

const milliseconds = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
const seconds = (value: number): string => (value / 1000).toFixed(2);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
const percent = (fraction: number): string =>
  `${fraction < 0 ? '−' : ''}${Math.abs(100 * fraction).toFixed(1)}`;

/** The steps themselves. */
export function stepTable(summaries: readonly CaseSummary[]): string {
  const heading = [
    'case',
    'step ms',
    'with TrAct',
    'overhead %',
    '95 % interval',
    'images/s',
    'GFLOP/step',
    'GFLOP/s',
    'MatMul',
    'fraction',
  ];
  const rows = summaries.map((summary) => [
    summary.case,
    milliseconds(summary.vanillaMilliseconds),
    milliseconds(summary.tractMilliseconds),
    percent(summary.overhead),
    summary.overheadInterval.map(percent).join(' … '),
    summary.imagesPerSecond.toFixed(0),
    summary.gigaOperations.toFixed(1),
    summary.rate.toFixed(0),
    summary.matmulRate.toFixed(0),
    summary.fraction.toFixed(2),
  ]);
  return table([heading, ...rows]);
}

/** From the start of the process to the end of the first step, and the memory at the end of each stage. */
export function startTable(summaries: readonly CaseSummary[]): string {
  const heading = [
    'case',
    'import s',
    'build',
    'lower',
    'session',
    'step',
    'first step at s',
    'state MB',
    'session MB',
    '1st step MB',
    'peak MB',
    'peak vanilla',
  ];
  const rows = summaries.map(({ start, memory, ...summary }) => [
    summary.case,
    seconds(start.loaded),
    seconds(start.built - start.loaded),
    seconds(start.lowered - start.built),
    seconds(start.session - start.lowered),
    seconds(start.firstStep - start.session),
    seconds(start.firstStep),
    megabytes(memory.state),
    megabytes(memory.session),
    megabytes(memory.firstStep),
    megabytes(summary.tractPeakBytes),
    megabytes(summary.vanillaPeakBytes),
  ]);
  return table([heading, ...rows]);
}

/** The peers' steps beside the vanilla ones of this project; undefined where there are none. */
export function peerTable(summaries: readonly CaseSummary[]): string | undefined {
  const rows = summaries.flatMap((summary) => [
    [
      summary.case,
      'tract-ts',
      String(summary.batchSize),
      milliseconds(summary.vanillaMilliseconds),
      summary.imagesPerSecond.toFixed(0),
      '1',
      megabytes(summary.vanillaPeakBytes),
    ],
    ...summary.peers.map(({ name, figures }) =>
      figures
        ? [
            '',
            name,
            String(figures.batchSize),
            milliseconds(figures.milliseconds),
            figures.imagesPerSecond.toPrecision(3),
            (figures.imagesPerSecond / summary.imagesPerSecond).toPrecision(2),
            megabytes(figures.peakBytes),
          ]
        : ['', name, '—', '—', '—', '—', '—'],
    ),
  ]);
  if (summaries.every(({ peers }) => peers.length === 0)) return undefined;
  return table([['case', 'library', 'batch', 'step ms', 'images/s', 'relative', 'peak MB'], ...rows]);
}

/** What has to be known about the peers' figures: unequal conditions, failures, and libraries that are missing. */
export function peerNotes(summaries: readonly CaseSummary[], missing: readonly MissingPeer[]): string[] {
  const notes = summaries.flatMap(({ case: name, peers }) =>
    peers.flatMap((peer) => {
      if (peer.failure !== undefined) return [`${peer.name}, ${name}: failed: ${peer.failure}`];
      return peer.figures!.conditions === '' ? [] : [`${peer.name}: ${peer.figures!.conditions}`];
    }),
  );
  return [...new Set(notes), ...missing.map(({ name, advice }) => `${name} is not installed: ${advice}`)];
}
