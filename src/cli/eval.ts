/** `tract eval`. */
import type { Device } from '../engine/device.js';
import { toSafetensors } from '../tensor/safetensors.js';
import { tensor } from '../tensor/tensor.js';
import { writeAtomically } from '../train/atomic-write.js';
import { CheckpointError } from '../train/json-check.js';
import { Evaluator } from '../train/evaluator.js';
import { type DatasetName, isDatasetName } from './dataset-names.js';
import { loadDataset } from './datasets.js';
import { widthOf, wrap } from './layout.js';
import { percent } from '../compare/words.js';
import { type Trained, readTrained } from './trained.js';

export interface EvalFlags {
  readonly data?: DatasetName;
  readonly dataDir?: string;
  readonly limitTest?: number;
  readonly batchSize?: number;
  readonly logits?: string;
  readonly device: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

export async function evaluate(run: string, flags: EvalFlags): Promise<void> {
  const trained = await readTrained(run);
  const { file, config, model, learned, progress } = trained;
  const dataset = await loadDataset({
    name: datasetOf(trained, flags),
    dir: flags.dataDir,
    // The run's own images, so that the figures are comparable.
    limitTest: flags.limitTest ?? (flags.data === undefined ? config.data.testImages : undefined),
  });
  const { device, threads, batchSize = config.batchSize } = flags;
  const evaluator = await Evaluator.create(model, { batchSize, device, ...(threads && { threads }) });
  const logits: number[] = [];
  const labels: number[] = [];
  const keep = (batch: Float32Array, classes: Int32Array): void => {
    for (const logit of batch) logits.push(logit);
    labels.push(...classes);
  };
  const result = await evaluator.evaluate(
    learned,
    dataset,
    flags.logits === undefined ? {} : { onLogits: keep },
  );
  await evaluator.release();
  // Only an aborted evaluation has no result, and nothing aborts this one.
  const { loss, accuracy } = result!;
  if (flags.logits !== undefined) {
    const tensors = {
      logits: tensor('float32', [labels.length, model.classes], logits),
      labels: tensor('int32', [labels.length], labels),
    };
    await writeAtomically(flags.logits, toSafetensors({ tensors, metadata: {} }));
  }
  const images = dataset.test.labels.length;
  if (flags.json) {
    const line = {
      event: 'eval',
      checkpoint: file,
      step: progress.step,
      data: dataset.name,
      images,
      testLoss: loss,
      testAccuracy: accuracy,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  } else {
    const text = `${file} (${model.name}, step ${progress.step}) on ${images} test images of ${dataset.name}: loss ${loss.toFixed(4)}, accuracy ${percent(accuracy)}`;
    process.stdout.write(`${wrap(text, widthOf(process.stdout))}\n`);
  }
}

function datasetOf({ config, file }: Trained, flags: EvalFlags): DatasetName {
  const name = flags.data ?? config.data.name;
  if (isDatasetName(name)) return name;
  throw new CheckpointError(
    `${file} is of a run on "${name}", which is no dataset of this command; give --data`,
  );
}
