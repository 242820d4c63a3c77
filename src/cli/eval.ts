/** `tract eval`. */
import { dirname, join, resolve } from 'node:path';
import type { Device } from '../engine/device.js';
import { checkClassNames } from '../data/class-names.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import { decodingOptions } from '../data/folder/image-folder.js';
import { toSafetensors } from '../tensor/safetensors.js';
import { tensor } from '../tensor/tensor.js';
import { writeAtomically } from '../data/atomic-write.js';
import { CheckpointError } from '../train/json-check.js';
import { isDatasetName } from './dataset-names.js';
import { datasetOfRun, loadDataset, placeOf } from './datasets.js';
import { percent } from '../compare/words.js';
import { evaluateTrained, reportOf } from './run-report.js';
import { print, printJson } from './terminal.js';
import { type Trained, readTrained } from './trained.js';

export interface EvalFlags {
  readonly data?: string;
  readonly dataDir?: string;
  readonly limitTest?: number;
  readonly workers?: number;
  readonly cacheSize?: number;
  readonly batchSize?: number;
  readonly logits?: string;
  /** A path, or true for the run's folder. */
  readonly report?: string | true;
  readonly device: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

export async function evaluate(run: string, flags: EvalFlags): Promise<void> {
  const trained = await readTrained(run);
  const { file, config, model, progress } = trained;
  const dataset = await datasetFor(trained, flags);
  checkClassNames(config.data.classNames, dataset, `the model of ${file}`);
  const logits: number[] = [];
  const labels: number[] = [];
  const onLogits = (batch: Float32Array, classes: Int32Array): void => {
    for (const logit of batch) logits.push(logit);
    labels.push(...classes);
  };
  const result = await evaluateTrained(
    trained,
    dataset,
    flags,
    flags.logits === undefined ? {} : { onLogits },
  );
  // Only an aborted evaluation has no result, and nothing aborts this one.
  const { evaluation, tally } = result!;
  const { loss, accuracy } = evaluation;
  if (flags.logits !== undefined) {
    const tensors = {
      logits: tensor('float32', [labels.length, model.classes], logits),
      labels: tensor('int32', [labels.length], labels),
    };
    await writeAtomically(flags.logits, toSafetensors({ tensors, metadata: {} }));
  }
  const report = flags.report === true ? join(dirname(file), 'report.html') : flags.report;
  if (report !== undefined) {
    const { html } = await reportOf(trained, dataset, result!);
    await writeAtomically(report, html);
  }
  const images = imageCount(dataset.test);
  if (flags.json) {
    const line = {
      event: 'eval',
      checkpoint: file,
      step: progress.step,
      data: dataset.name,
      images,
      testLoss: loss,
      testAccuracy: accuracy,
      ...(report !== undefined && { report, classes: tally.figures(), confusions: tally.confusions }),
    };
    printJson(line);
  } else {
    print(
      `${file} (${model.name}, step ${progress.step}) on ${images} test images of ${dataset.name}: loss ${loss.toFixed(4)}, accuracy ${percent(accuracy)}`,
      ...(report === undefined ? [] : [`Class by class in ${report}`]),
    );
  }
}

/** The run's own test images, so that figures are comparable; or those of the data that are asked for. */
async function datasetFor(
  { config: { data }, file, model }: Trained,
  flags: EvalFlags,
): Promise<ImageDataset> {
  const { data: asked, dataDir: dir, limitTest } = flags;
  const [channels, ...size] = model.imageShape;
  if (asked === undefined || (data.folder && resolve(asked) === placeOf(data.folder, file))) {
    const { folder, name } = data;
    const testImages = limitTest ?? data.testImages;
    if (folder) return datasetOfRun({ ...data, testImages }, file, { reading: flags });
    if (isDatasetName(name)) return loadDataset({ name, dir, limitTest: testImages });
    throw new CheckpointError(
      `${file} is of a run on "${name}", which is no dataset of this command; give --data`,
    );
  }
  return loadDataset({
    name: asked,
    dir,
    limitTest,
    reading: flags,
    // All pictures of a folder without test pictures of its own, decoded as the model's were.
    folder: {
      resize: null,
      channels: channels === 1 ? 1 : 3,
      ...(data.folder && decodingOptions(data.folder.decoding)),
      size,
      classNames: data.classNames,
      testShare: 1,
    },
  });
}
