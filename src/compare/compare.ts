/** A whole comparison: its runs, what they show, and the files that say so. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { followedSplit } from '../data/dataset.js';
import { labelsOf } from '../data/image-source.js';
import { writeAtomically } from '../data/atomic-write.js';
import { weightsOf } from '../train/checkpoint.js';
import type { LearnedState } from '../train/evaluator.js';
import { DivergenceError } from '../train/divergence.js';
import { ExclusiveFolder, removeTemporaries } from '../train/exclusive-folder.js';
import { CheckpointError } from '../train/json-check.js';
import { findCheckpoint, readCheckpoint } from '../train/run-folder.js';
import { chanceOf } from './chance.js';
import { type Chart, standaloneSvg } from './chart.js';
import { type Conclusions, type FinishedRun, type VariantResult, conclude } from './conclude.js';
import { accuracyChart, lossChart, targetChart } from './curve-charts.js';
import { type FilterPicture, filtersSvg } from './filters.js';
import { UPDATE_IMAGES, type UpdatePicture, filterPicture, updatePicture } from './inspection.js';
import { MatrixCounter, type MatrixProgress } from './matrix-progress.js';
import { type Comparison, type Plan, type PlannedRun, planComparison } from './plan.js';
import { readRecord } from './record.js';
import { report } from './report.js';
import type { Results, Setup } from './results.js';
import { executeRun } from './run.js';
import { relativeStepTimes } from './step-times.js';
import { type Decision, decide } from './sequential.js';
import { decisionSentences, sentences } from './words.js';

/** What a comparison reports while it goes on. */
export type CompareEvent =
  | { readonly event: 'start'; readonly out: string; readonly runs: number; readonly steps: number }
  | {
      readonly event: 'run';
      readonly variant: string;
      readonly label: string;
      readonly seed: number;
      /**
       * `kept`: it was finished before and is not repeated. `repeated`: it was begun before, but what is left of it
       * does not suffice to go on, and it begins anew.
       */
      readonly state: 'begun' | 'repeated' | 'kept' | 'finished' | 'diverged';
      readonly folder: string;
      /** Why it is repeated. */
      readonly reason?: string;
      /** At the end, on whichever images the run was followed; absent before it, and where the run diverged. */
      readonly testAccuracy?: number;
      readonly validationAccuracy?: number;
    }
  /** The seeds so far tell how a method compares with the first one; no more of it are run. */
  | ({ readonly event: 'decided' } & Decision)
  /** All runs are finished; steps of the methods are timed by turns, unless that was done before. */
  | { readonly event: 'timing' }
  | ({
      readonly event: 'progress';
      readonly variant: string;
      readonly label: string;
      readonly seed: number;
      /** Of this run. */
      readonly step: number;
      readonly loss: number;
    } & MatrixProgress);

/** Where a comparison is kept, and who follows it. */
export interface CompareOptions {
  /** The folder of the comparison; runs are kept in `runs` below it. */
  readonly out: string;
  /** Aborting finishes the step, saves and returns. */
  readonly signal?: AbortSignal;
  /** Called with everything that happens. */
  readonly onEvent?: (event: CompareEvent) => void;
}

/** What a comparison came to, and where its report is. */
export interface CompareResult {
  readonly results: Results;
  /** The paths of the files that were written. */
  readonly report: string;
  readonly json: string;
  readonly plots: readonly string[];
}

/**
 * Makes every run that is not finished yet, and writes `report.html`, `results.json` and the plots.
 *
 * @returns undefined when it was interrupted; the same call goes on from there
 * @throws OptionError for values that models or the matrix cannot take; nothing has been trained by then
 * @throws DataError where the dataset does not fit; nothing has been trained by then
 * @throws OutputError where another process writes to the folder
 */
export async function compare(
  comparison: Comparison,
  options: CompareOptions,
): Promise<CompareResult | undefined> {
  const plan = await planComparison(comparison);
  const owned = await ExclusiveFolder.open(options.out);
  try {
    return await compareIn(owned, comparison, plan, options);
  } finally {
    await owned.close();
  }
}

async function compareIn(
  owned: ExclusiveFolder,
  comparison: Comparison,
  plan: Plan,
  { out, signal, onEvent }: CompareOptions,
): Promise<CompareResult | undefined> {
  const runs = join(out, 'runs');
  const counter = new MatrixCounter(plan.runs.length, plan.steps);
  onEvent?.({ event: 'start', out, runs: plan.runs.length, steps: plan.steps });
  const finished: FinishedRun[] = [];
  const decisions: Decision[] = [];
  const { kind, split } = followedSplit(comparison.dataset);
  for (const [number, run] of plan.runs.entries()) {
    const { variant, seed, folder } = run;
    if (seed !== plan.runs[number - 1]?.seed) {
      for (const decision of newDecisions(comparison, finished, decisions)) {
        decisions.push(decision);
        onEvent?.({ event: 'decided', ...decision });
      }
    }
    if (isDecided(variant.id, comparison, decisions)) {
      counter.finish();
      continue;
    }
    const about = { variant: variant.id, label: variant.label, seed };
    const kept = await readRecord(join(runs, folder), run.id, plan.evaluations);
    if (!kept) {
      counter.begin();
      onEvent?.({ event: 'run', ...about, state: 'begun', folder: join(runs, folder) });
    }
    const record =
      kept ??
      (await executeRun(run, {
        runs,
        dataset: comparison.dataset,
        evaluateEvery: plan.evaluateEvery,
        evaluations: plan.evaluations,
        ...(signal && { signal }),
        onRepeat(reason) {
          onEvent?.({ event: 'run', ...about, state: 'repeated', folder: join(runs, folder), reason });
        },
        onStep({ step, loss }) {
          counter.step(step);
          onEvent?.({ event: 'progress', ...about, step, loss, ...counter.progress });
        },
      }));
    if (!record) return undefined;
    counter.finish();
    const last = record.curve.at(-1);
    onEvent?.({
      event: 'run',
      ...about,
      state: record.diverged !== undefined ? 'diverged' : kept ? 'kept' : 'finished',
      folder: join(runs, folder),
      ...(last &&
        record.diverged === undefined &&
        (kind === 'test' ? { testAccuracy: last.accuracy } : { validationAccuracy: last.accuracy })),
    });
    finished.push({ variant, seed, record });
  }
  if (finished.every(({ record }) => record.diverged !== undefined)) {
    throw new DivergenceError(
      'all runs diverged, so that there is nothing to compare; a lower learning rate may help',
    );
  }
  const overheads = await relativeStepTimes(
    join(out, 'step-times.json'),
    firstOfEach(plan),
    comparison.dataset,
    { ...(signal && { signal }), onMeasure: () => onEvent?.({ event: 'timing' }) },
  );
  if (signal?.aborted) return undefined;
  await owned.confirm();
  const chance = chanceOf(labelsOf(split), comparison.dataset.classNames.length);
  // Those of the last seed, which stop nothing any more.
  decisions.push(...newDecisions(comparison, finished, decisions));
  const conclusions = conclude(finished, plan.steps, overheads, chance, kind);
  return writeFindings(comparison, plan, conclusions, decisions, out);
}

/** What a further seed has decided; nothing where all seeds are asked for. */
function newDecisions(
  { variants: [base, ...others], seeds, stopWhen }: Comparison,
  finished: readonly FinishedRun[],
  known: readonly Decision[],
): Decision[] {
  if (stopWhen === undefined) return [];
  return others.flatMap((variant) => {
    if (known.some((decision) => decision.variant === variant.id)) return [];
    return decide(finished, base.id, variant, seeds.length, stopWhen) ?? [];
  });
}

/** Whether no more seeds of a method are needed; of the first one, when all others are decided. */
function isDecided(id: string, { variants }: Comparison, decisions: readonly Decision[]): boolean {
  const [base, ...others] = variants;
  const known = (one: string): boolean => decisions.some((decision) => decision.variant === one);
  return id === base.id ? others.length > 0 && others.every((variant) => known(variant.id)) : known(id);
}

/** The first run of each variant. */
function firstOfEach({ runs }: Plan): PlannedRun[] {
  return runs.filter(({ variant }, i) => runs.findIndex((run) => run.variant.id === variant.id) === i);
}

async function writeFindings(
  comparison: Comparison,
  plan: Plan,
  conclusions: Conclusions,
  decisions: readonly Decision[],
  out: string,
): Promise<CompareResult> {
  const { filters, updates } = await firstLayers(comparison, plan, join(out, 'runs'));
  const results: Results = {
    format: 1,
    setup: setupOf(comparison, plan),
    ...conclusions,
    ...(updates && {
      updates: { ...updates.correlations, images: Math.min(UPDATE_IMAGES, updates.updates.vanilla.length) },
    }),
    ...(decisions.length > 0 && { decisions }),
    sentences: [...sentences(conclusions), ...decisionSentences(decisions, comparison)],
  };
  const accuracy = await accuracyChart(conclusions);
  const loss = await lossChart(conclusions);
  const compared = conclusions.variants.length > 1 && conclusions.targets.length > 0;
  const targets = compared ? await targetChart(conclusions) : undefined;
  const html = report({
    results,
    accuracy,
    loss,
    ...(targets && { targets }),
    filters,
    ...(updates && { updates }),
  });
  const charts = [accuracy, loss, ...(targets ? [targets] : []), ...(updates?.charts ?? [])];
  const plots = await writePlots(join(out, 'plots'), charts, filters, conclusions.variants);
  const [reportFile, json] = [join(out, 'report.html'), join(out, 'results.json')];
  await writeAtomically(json, `${JSON.stringify(results, null, 1)}\n`);
  await writeAtomically(reportFile, html);
  return { results, report: reportFile, json, plots };
}

async function writePlots(
  folder: string,
  charts: readonly Chart[],
  filters: ReadonlyMap<string, FilterPicture>,
  variants: readonly VariantResult[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  await removeTemporaries(folder);
  const files = [
    ...charts.map((chart): [string, string] => [`${chart.name}.svg`, standaloneSvg(chart)]),
    ...variants.flatMap(({ id, label }): [string, string][] => {
      const picture = filters.get(id);
      return picture ? [[`filters-${id}.svg`, filtersSvg(picture, `First-layer filters of ${label}`)]] : [];
    }),
  ];
  for (const [name, svg] of files) await writeAtomically(join(folder, name), svg);
  return files.map(([name]) => join(folder, name));
}

/** The filters of every method, and the ‖Δz‖ picture of the first that has a plain first layer; of the first seed. */
async function firstLayers(
  { dataset, training }: Comparison,
  plan: Plan,
  runs: string,
): Promise<{ filters: Map<string, FilterPicture>; updates?: UpdatePicture }> {
  const filters = new Map<string, FilterPicture>();
  let updates: UpdatePicture | undefined;
  // λ of the picture: that of the first TrAct run.
  const lambda = plan.runs.find(({ variant }) => variant.method === 'tract')?.variant.lambda;
  const { device, threads } = training;
  for (const run of firstOfEach(plan)) {
    const learned = await learnedState(run, runs);
    if (!learned) continue;
    const picture = await filterPicture(run.given.model, learned.weights);
    if (picture) filters.set(run.variant.id, picture);
    updates ??= await updatePicture(run.given, learned, dataset, {
      ...(lambda !== undefined && { lambda }),
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
    });
  }
  return { filters, ...(updates && { updates }) };
}

/** What a run learned; undefined where its checkpoint is gone, or it diverged before there was one. */
async function learnedState({ folder }: PlannedRun, runs: string): Promise<LearnedState | undefined> {
  try {
    const { state, config } = await readCheckpoint(await findCheckpoint(join(runs, folder), ['last']));
    const { mean, deviation } = config.data;
    return { weights: weightsOf(state), standardization: { mean, deviation } };
  } catch (error) {
    if (error instanceof CheckpointError) return undefined;
    throw error;
  }
}

function setupOf({ dataset, model, seeds, training, settings }: Comparison, plan: Plan): Setup {
  const { config } = plan.runs[0];
  return {
    data: dataset.name,
    trainImages: config.data.trainImages,
    ...(config.data.validationImages !== undefined && { validationImages: config.data.validationImages }),
    testImages: config.data.testImages,
    model: settings?.get(plan.runs[0].variant.id)?.model?.name ?? model.name,
    modelConfig: config.model.config,
    optimizer: config.optimizer.name,
    optimizerConfig: config.optimizer.config,
    schedule: config.schedule.name,
    learningRate: config.schedule.config.lr,
    ...(settings && settings.size > 0 && { grid: true as const }),
    batchSize: config.batchSize,
    epochs: config.epochs,
    seeds,
    evaluateEvery: plan.evaluateEvery,
    device: training.device ?? 'cpu',
    mean: dataset.mean,
    deviation: dataset.deviation,
  };
}
