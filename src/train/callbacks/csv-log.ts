/** The epochs of a run as rows of a table. */
import { OutputError, outputError, writeAtomically } from '../../data/atomic-write.js';
import { type EpochEvent, type TrainingEvent, evaluationOf } from '../events.js';
import type { Callback } from '../options.js';
import { textOf } from './json-lines.js';

/**
 * Writes a row of comma-separated values for every epoch: `epoch`, `step`, `learning_rate` (of its last step),
 * `train_loss`, `train_accuracy`, `validation_loss` and `validation_accuracy` (or `test_…` where the dataset has no
 * validation images), the trainer's metrics by their names (`name.0`, `name.1`, … for a list of numbers), and `seconds`.
 * The first line has these names.
 *
 * The file is replaced as a whole with each row. A run from the beginning begins it anew; one that goes on keeps the rows
 * of the epochs before.
 *
 * @throws OutputError while training, where the file cannot be written, or a run that goes on finds other columns in it
 */
export function csvLog(file: string): Callback {
  let rows: readonly string[] | undefined;
  let learningRate: number | undefined;
  const callback = async (event: TrainingEvent): Promise<void> => {
    if (event.event === 'step') learningRate = event.learningRate;
    try {
      rows ??= rowsBefore(await textOf(file), event.epoch, file);
      if (event.event !== 'epoch') return;
      const columns = columnsOf(event, learningRate);
      const header = columns.map(([name]) => name).join(',');
      if (rows.length > 1 && rows[0] !== header) {
        throw new OutputError(
          `${file} has the columns ${rows[0]}, but this run has ${header}; choose another file`,
        );
      }
      const row = columns.map(([, value]) => (value === undefined ? '' : String(value))).join(',');
      rows = [header, ...rows.slice(1), row];
      await writeAtomically(file, `${rows.join('\n')}\n`);
    } catch (error) {
      throw outputError(error, file);
    }
  };
  return Object.assign(callback, {
    begin: () => {
      rows = undefined;
      learningRate = undefined;
    },
  });
}

/** The header and the rows of epochs before the given one. @throws OutputError for another table */
function rowsBefore(text: string, epoch: number, file: string): string[] {
  const [header, ...rows] = text.split('\n').filter((line) => line !== '');
  if (text.trim() === '') return [];
  if (!header.startsWith('epoch,step,'))
    throw new OutputError(`${file} holds something else than the epochs of a run; choose another file`);
  return [header, ...rows.filter((row) => Number.parseInt(row) < epoch)];
}

function columnsOf(
  event: EpochEvent,
  learningRate: number | undefined,
): (readonly [name: string, value: number | undefined])[] {
  const { kind, loss, accuracy, metrics = {} } = evaluationOf(event);
  return [
    ['epoch', event.epoch],
    ['step', event.step],
    ['learning_rate', learningRate],
    ['train_loss', event.trainLoss],
    ['train_accuracy', event.trainAccuracy],
    [`${kind}_loss`, loss],
    [`${kind}_accuracy`, accuracy],
    ...Object.entries(metrics).flatMap(([name, value]) =>
      typeof value === 'number'
        ? [[name, value] as const]
        : value.map((one, i) => [`${name}.${i}`, one] as const),
    ),
    ['seconds', event.seconds],
  ];
}
