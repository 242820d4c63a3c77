/** The run in the origin's private file system, from which it goes on when the page is opened again. */
import type { ImageDataset } from '../../data/dataset.js';
import { fromCheckpoint } from '../../train/checkpoint.js';
import { modelOfRun } from '../../train/load-model.js';
import { packParts, unpackParts } from '../parts.js';
import type { EngineDevice, RunEngine, RunSpec, RunStatus } from '../run-spec.js';
import type { Method } from '../settings.js';
import { removeStored, storedFile, writeStored } from '../storage.js';
import { type KeptLane, Lane } from './lane.js';

/** The file, replaced as a whole. */
const RUN_FILE = 'run.bin';

export interface KeptRun {
  readonly spec: RunSpec;
  readonly status: RunStatus;
  readonly lanes: readonly KeptLane[];
  /** The bytes of the model's file, where it is out of one. */
  readonly source: Uint8Array | undefined;
  /** Absent where it was opened, and begun elsewhere. */
  readonly engine?: RunEngine;
}

/** What the file says beside checkpoints and model. */
interface About extends Pick<KeptRun, 'spec' | 'status' | 'engine'> {
  readonly lanes: readonly { readonly method: Method; readonly metrics: string }[];
  readonly hasModel: boolean;
}

export async function keep({ spec, status, lanes, source, engine }: KeptRun): Promise<void> {
  const about: About = {
    spec,
    status,
    lanes: lanes.map(({ method, metrics }) => ({ method, metrics })),
    hasModel: source !== undefined,
    ...(engine && { engine }),
  };
  const checkpoints = lanes.map(({ checkpoint }) => checkpoint);
  await writeStored(RUN_FILE, packParts(about, [...checkpoints, ...(source ? [source] : [])]));
}

/** Undefined where no run is kept. */
export const keptFile = (): Promise<File | undefined> => storedFile(RUN_FILE);

export const forgetKept = (): Promise<void> => removeStored(RUN_FILE);

/** @throws Error for a file that is damaged */
export async function readKept(file: File): Promise<KeptRun> {
  const { about, parts } = unpackParts(new Uint8Array(await file.arrayBuffer()));
  const { spec, status, lanes, hasModel, engine } = about as About;
  return {
    spec,
    status,
    lanes: lanes.map((lane, i) => ({ ...lane, checkpoint: parts[i].slice() })),
    source: hasModel ? parts.at(-1)!.slice() : undefined,
    ...(engine && { engine }),
  };
}

/** The lanes of a run as they stood. @throws DeviceError where the device is not to be had */
export async function restoredLanes(
  { spec: { evaluateEvery }, lanes: kept, source }: KeptRun,
  dataset: ImageDataset,
  device: EngineDevice,
): Promise<Lane[]> {
  const lanes: Lane[] = [];
  try {
    for (const { method, metrics, checkpoint: bytes } of kept) {
      const checkpoint = fromCheckpoint(bytes);
      const model = source && (await modelOfRun(source, checkpoint.config.model));
      const options = { evaluateEvery, metrics, device, ...(model && { model }) };
      lanes.push(await Lane.restore(method, checkpoint, dataset, options));
    }
    return lanes;
  } catch (error) {
    for (const lane of lanes) await lane.release();
    throw error;
  }
}
