/** The figures of a run as TensorBoard reads them. */
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { outputError } from '../../data/atomic-write.js';
import { type Metrics, type TrainingEvent, evaluationOf } from '../events.js';
import type { Model } from '../../nn/model.js';
import type { Callback } from '../options.js';
import {
  type Scalar,
  type TensorBoardImage,
  graphRecord,
  imagesRecord,
  scalarsRecord,
  startRecord,
  versionRecord,
} from './event-records.js';
import { graphDef } from './graph-def.js';

/** What TensorBoard is shown beside figures. */
export interface TensorBoardOptions {
  /** Whose layers are drawn as a graph, from the image to the logits. Default none. */
  readonly model?: Model;
  /** Pictures, such as the filters of the first layer: asked for at the first event of a run, and after every epoch. */
  readonly images?: () => readonly TensorBoardImage[] | Promise<readonly TensorBoardImage[]>;
}

/**
 * Writes TensorBoard's event files: into `folder/train` the figures of every step (`loss`, `accuracy`, `learning_rate`,
 * and the trainer's metrics by their names), into `folder/validation` (or `folder/test` where the dataset has no
 * validation images) those of every evaluation. The numbers of a list are `name/0`, `name/1`, …. Pictures and the graph are in `folder/train`. Look at them with
 * `tensorboard --logdir folder`.
 *
 * Each `fit` begins new files. Those of a run that goes on replace, for TensorBoard, what older files of the folder have
 * of the same and later steps.
 *
 * @throws OutputError while training, where the folder cannot be written to
 */
export function tensorBoard(folder: string, { model, images }: TensorBoardOptions = {}): Callback {
  let files = new Map<string, string>();
  const write = async (name: string, step: number, records: readonly Uint8Array[]): Promise<void> => {
    const path = join(folder, name);
    const now = Date.now() / 1000;
    try {
      const file = files.get(name) ?? (await newFile(path));
      const graph = name === 'train' && model ? [graphRecord(now, graphDef(model))] : [];
      const start = files.has(name) ? [] : [versionRecord(now), startRecord(now, step), ...graph];
      files.set(name, file);
      await appendFile(file, Buffer.concat([...start, ...records]));
    } catch (error) {
      throw outputError(error, path);
    }
  };
  const callback = async (event: TrainingEvent): Promise<void> => {
    const { step } = event;
    const now = Date.now() / 1000;
    const isFirst = files.size === 0;
    if (event.event === 'step') {
      const { loss, accuracy, learningRate, metrics } = event;
      const rate = ['learning_rate', learningRate] as const;
      const scalars = [['loss', loss], ['accuracy', accuracy], rate, ...scalarsOf(metrics)] as const;
      await write('train', step, [scalarsRecord(now, step, scalars)]);
    } else {
      const { kind, loss, accuracy, metrics } = evaluationOf(event);
      const scalars = [['loss', loss], ['accuracy', accuracy], ...scalarsOf(metrics)] as const;
      await write(kind, step, [scalarsRecord(now, step, scalars)]);
    }
    if (images && (isFirst || event.event === 'epoch'))
      await write('train', step, [imagesRecord(now, step, await images())]);
  };
  return Object.assign(callback, {
    begin: () => {
      files = new Map();
    },
  });
}

function scalarsOf(metrics: Metrics = {}): Scalar[] {
  return Object.entries(metrics).flatMap(([name, value]): Scalar[] =>
    typeof value === 'number' ? [[name, value]] : value.map((one, i): Scalar => [`${name}/${i}`, one]),
  );
}

/** A file that TensorBoard reads after those that are there: it goes by names, which begin with the time in seconds. */
async function newFile(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const times = (await readdir(folder)).map((name) => Number(/tfevents\.(\d+)\./.exec(name)?.[1] ?? 0));
  const time = Math.max(Math.floor(Date.now() / 1000), ...times.map((one) => one + 1));
  return join(folder, `events.out.tfevents.${String(time).padStart(10, '0')}.${hostname()}.${process.pid}`);
}
