/** What the page knows, and what it can have done. */
import { computed, signal } from '@preact/signals';
import {
  type Catalog,
  added,
  emptyCatalog,
  obstacle,
  parseCatalog,
  testPictures,
} from '../pictures/catalog.js';
import type { GivenFile, ImportProgress } from '../pictures/import.js';
import { PictureBytes } from '../pictures/packs.js';
import type { PicturesCalls } from '../pictures/worker.js';
import { type Calls, callsOf, messageOf } from '../rpc.js';
import type { DataSpec, RunTold } from '../run-spec.js';
import { type Settings, settingsFor, usualSettings } from '../settings.js';
import { storedFile, writeStored } from '../storage.js';
import type { TrainingCalls } from '../training/worker.js';
import { hear, run, status, step } from './run.js';

/** The steps of the way, in their order. */
export const stages = ['pictures', 'model', 'train', 'try', 'take'] as const;
export type Stage = (typeof stages)[number];

export const stage = signal<Stage>(stageInAddress());

function stageInAddress(): Stage {
  const name = location.hash.slice(1);
  return stages.find((one) => one === name) ?? 'pictures';
}

export function goTo(where: Stage): void {
  location.hash = where;
}

addEventListener('hashchange', () => {
  stage.value = stageInAddress();
  scrollTo(0, 0);
  document.getElementById('stage')?.focus({ preventScroll: true });
});

/** A sentence about something that went wrong, until it is dismissed. */
export const problem = signal<string | null>(null);
/** What has been done, for a moment, and for screen readers. */
export const said = signal<string>('');

/** Milliseconds. */
const SAID_FOR = 5000;
let silence: ReturnType<typeof setTimeout> | undefined;

export function say(sentence: string): void {
  said.value = sentence;
  clearTimeout(silence);
  silence = setTimeout(() => {
    said.value = '';
  }, SAID_FOR);
}

/** Does something, and says what went wrong with it. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  problem.value = null;
  try {
    return await work();
  } catch (error) {
    problem.value = messageOf(error);
    return undefined;
  }
}

// Workers. Each is made when the page is loaded, since the first call waits for it.

let calls: { readonly training: Calls<TrainingCalls>; readonly pictures: Calls<PicturesCalls> } | undefined;

/** @throws where the page has not begun yet */
export function workers(): NonNullable<typeof calls> {
  if (!calls) throw new Error('the page has not begun yet');
  return calls;
}

export function startWorkers(): void {
  const training = new Worker(new URL('../training/worker.js', import.meta.url), {
    type: 'module',
    name: 'training',
  });
  const pictures = new Worker(new URL('../pictures/worker.js', import.meta.url), {
    type: 'module',
    name: 'pictures',
  });
  calls = {
    training: callsOf<TrainingCalls>(training, (what) => {
      hear(what as RunTold);
    }),
    pictures: callsOf<PicturesCalls>(pictures, (what) => {
      onImport(what as ImportProgress);
    }),
  };
}

// Pictures.

/** `shapes` or the user's own; null before anything is chosen. */
export const dataKind = signal<'shapes' | 'pictures' | null>(null);
export const catalog = signal<Catalog>(emptyCatalog);
export const importing = signal<{ readonly done: number; readonly total: number } | null>(null);
/** Reads pictures that are kept; made anew as there are more files. */
export const bytes = signal(new PictureBytes());
export const isTest = computed(() => testPictures(catalog.value));

/** How many images of `shapes` there are to train on, and to test with. */
export const SHAPES = { train: 10_000, test: 2000 };

const CATALOG_FILE = 'catalog.json';
/** Milliseconds. */
const SAVE_AFTER = 400;
let saving: ReturnType<typeof setTimeout> | undefined;

/** Changes the pictures, and keeps that. */
export function changeCatalog(next: Catalog): void {
  catalog.value = next;
  clearTimeout(saving);
  saving = setTimeout(() => {
    void attempt(() => saveCatalog());
  }, SAVE_AFTER);
}

async function saveCatalog(): Promise<void> {
  await writeStored(CATALOG_FILE, JSON.stringify({ kind: dataKind.value, catalog: catalog.value }));
}

export function chooseData(kind: 'shapes' | 'pictures'): void {
  dataKind.value = kind;
  suggestSettings();
  void attempt(() => saveCatalog());
}

/** What was kept when the page was closed. */
export async function loadCatalog(): Promise<void> {
  const file = await storedFile(CATALOG_FILE);
  if (!file) return;
  const found = JSON.parse(await file.text()) as { kind: typeof dataKind.value; catalog: unknown };
  catalog.value = parseCatalog(JSON.stringify(found.catalog));
  dataKind.value = found.kind;
  await workers().pictures.sweep([...new Set(catalog.value.pictures.map(({ pack }) => pack))]);
}

function onImport({ done, total, added: more, broken }: ImportProgress): void {
  importing.value = { done, total };
  if (more.length + broken.length === 0) return;
  // Where there is nothing at all, a page without pictures would not say why.
  if (more.length === 0 && catalog.value.classNames.length === 0) return;
  bytes.value = new PictureBytes();
  dataKind.value = 'pictures';
  changeCatalog(added(catalog.value, more, broken));
}

/** Who gets what is dropped on the page, where it is not pictures to learn from. */
export const onDropped = signal<((files: readonly GivenFile[]) => void) | null>(null);

/** Takes in what was dropped: a run is opened, pictures are added. */
export async function takeIn(files: readonly GivenFile[]): Promise<void> {
  if (files.length === 0) return;
  if (await takeModelFiles(files)) return;
  if (onDropped.value) {
    onDropped.value(files);
    return;
  }
  const isRun = await attempt(() => workers().training.hasRun(files));
  if (isRun === true) await attempt(() => replaceRun(files));
  else if (isRun === false) await addFiles(files);
}

const CHECKPOINT = 'last.safetensors';

/** Takes a model or weights for the next run, if nothing else was dropped. */
async function takeModelFiles(files: readonly GivenFile[]): Promise<boolean> {
  const [model, weights] = ['.onnx', '.safetensors'].map((ending) =>
    files.filter(({ path }) => !path.includes('/') && path.toLowerCase().endsWith(ending)),
  );
  if (model.length > 1 || weights.length > 1 || model.length + weights.length < files.length) return false;
  // That file alone is a run, too.
  if (stage.value !== 'model' && model.length === 0 && weights[0].path === CHECKPOINT) return false;
  goTo('model');
  await attempt(async () => {
    for (const { file } of model) {
      await useModelFile(file as File);
      change({ model: 'file' });
    }
    for (const { file } of weights) await useWeightsFile(file as File);
    say(`${[...model, ...weights].map(({ path }) => path).join(' and ')}: for the next run.`);
  });
  return true;
}

/** Whether the run that is here may be lost: as where it is stopped. */
function mayReplaceRun(): boolean {
  const unfinished = run.value && status.value !== 'finished' && step.value > 0;
  return (
    !unfinished ||
    confirm(
      'Open another run in place of the one that is here? What that has learned is lost unless you have taken it away.',
    )
  );
}

/** Opens the run in a zip file or folder. */
export async function openRun(files: readonly GivenFile[]): Promise<void> {
  if (files.length === 0) return;
  await attempt(async () => {
    if (!(await workers().training.hasRun(files))) {
      throw new Error(
        'There is no run in what was chosen: it has no last.safetensors. Choose a zip that was saved here, or the folder of a run of tract train.',
      );
    }
    await replaceRun(files);
  });
}

async function replaceRun(files: readonly GivenFile[]): Promise<void> {
  if (!mayReplaceRun()) return;
  await workers().training.open(files);
  goTo('train');
}

let imports = 0;

/** Takes files in. @param into the class of what lies in no folder, or of all */
export async function addFiles(
  files: readonly GivenFile[],
  where: { readonly into: string; readonly forced: boolean } = { into: 'unsorted', forced: false },
): Promise<void> {
  if (files.length === 0) return;
  imports++;
  importing.value = { done: 0, total: files.length };
  await attempt(async () => {
    try {
      const { pictures, broken, firstBroken, others } = await workers().pictures.add(files, where);
      if (pictures === 0 && broken === 0) {
        throw new Error(
          `There are no pictures in ${files.length === 1 ? files[0].path : 'what was chosen'}. Give a folder with one folder of JPEG, PNG or WebP files for each class, a zip of such, or CIFAR’s .bin files.`,
        );
      }
      if (pictures === 0 && firstBroken) {
        const more = broken > 1 ? ` ${count(broken - 1, 'other file')} could not be read either.` : '';
        throw new Error(`${firstBroken.name} cannot be used: ${firstBroken.reason}.${more}`);
      }
      say(
        `${count(pictures, 'picture')} added${broken > 0 ? `, ${broken} could not be read` : ''}${others > 0 ? `; ${count(others, 'other file')} left out` : ''}.`,
      );
      suggestSettings();
    } finally {
      // The webcam gives more while the last ones are still looked at.
      if (--imports === 0) importing.value = null;
    }
  });
}

export const count = (number: number, what: string): string =>
  `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;

/** Why training cannot begin; undefined where it can. */
export const noTraining = computed((): string | undefined => {
  if (importing.value !== null)
    return 'Pictures are still being looked at. Training can begin when all of them are there.';
  if (dataKind.value === null) return 'There are no pictures yet.';
  return dataKind.value === 'shapes' ? undefined : obstacle(catalog.value);
});

// Settings.

const SETTINGS_KEY = 'tract-studio-settings';

export const settings = signal<Settings>(keptSettings());
/** An `.onnx` file, and a file of weights, for the next run. */
export const modelFile = signal<File | null>(null);
export const weightsFile = signal<File | null>(null);

/** @throws Error for a file that holds no model, which is not taken */
export async function useModelFile(file: File): Promise<void> {
  await workers().training.checkModel(file);
  modelFile.value = file;
}

/** @throws Error for a file that holds no weights, which is not taken */
export async function useWeightsFile(file: File): Promise<void> {
  await workers().training.checkWeights(file);
  weightsFile.value = file;
}

function keptSettings(): Settings {
  try {
    const kept = JSON.parse(localStorage.getItem(SETTINGS_KEY) ?? '{}') as Partial<Settings>;
    const known = Object.keys(usualSettings) as (keyof Settings)[];
    const fitting = known.filter((key) => typeof kept[key] === typeof usualSettings[key]);
    const found = { ...usualSettings, ...Object.fromEntries(fitting.map((key) => [key, kept[key]])) };
    // The file itself is not kept.
    return found.model === 'file' ? { ...found, model: usualSettings.model } : found;
  } catch {
    return usualSettings;
  }
}

export function change(what: Partial<Settings>): void {
  settings.value = { ...settings.value, ...what };
  localStorage.setItem(SETTINGS_KEY, JSON.stringify(settings.value));
}

export const trainImages = computed(() =>
  dataKind.value === 'shapes' ? SHAPES.train : isTest.value.filter((test) => !test).length,
);

/** Batch size, epochs and rate for the pictures there are. */
export function suggestSettings(): void {
  const shapes = dataKind.value === 'shapes' ? { imageSize: 32 } : {};
  const own = dataKind.value === 'pictures' ? { imageSize: sizeFor(catalog.value) } : {};
  change({ ...shapes, ...own, ...settingsFor(settings.value, trainImages.value) });
}

/** Small pictures as they are, photographs at 64 pixels, which train in a tab. */
function sizeFor({ pictures }: Catalog): number {
  const sides = pictures.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b);
  const middle = sides.at(sides.length >> 1) ?? 32;
  return middle <= 40 ? 32 : middle <= 56 ? 48 : 64;
}

/** Begins a run. */
export async function beginRun(): Promise<void> {
  await attempt(async () => {
    if (noTraining.value !== undefined) throw new Error(noTraining.value);
    const { training } = workers();
    const kind = dataKind.value!;
    const chosen = settings.value;
    const data: DataSpec =
      kind === 'shapes'
        ? { kind, ...SHAPES }
        : { kind, key: await training.prepare(catalog.value, chosen.imageSize) };
    const steps = Math.floor(trainImages.value / chosen.batchSize) * chosen.epochs;
    const [model, weights] = await Promise.all(
      [chosen.model === 'file' ? modelFile.value : null, weightsFile.value].map(async (file) =>
        file ? new Uint8Array(await file.arrayBuffer()) : undefined,
      ),
    );
    const { racing } = chosen;
    await training.begin(
      {
        data,
        settings: chosen,
        methods: racing === 'race' ? ['vanilla', 'tract'] : [racing],
        // As `tract compare` does.
        evaluateEvery: Math.max(1, Math.round(steps / 16)),
      },
      { ...(model && { model }), ...(weights && { weights }) },
    );
  });
}
