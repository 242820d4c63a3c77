/** `tract export --training-step`: a run's whole step as a file, and what it goes on from. */
import { dirname, join } from 'node:path';
import { writeAtomically } from '../data/atomic-write.js';
import { toSafetensors } from '../tensor/safetensors.js';
import { exportTrainingStep } from '../train/export-step.js';
import { trainerOptionsOf } from '../train/run-parts.js';
import { optionsIn } from '../train/trainer-step.js';
import { print, printJson } from './terminal.js';
import type { Trained } from './trained.js';

/** Where it is written, and for how many images. */
export interface ExportStepFlags {
  readonly out?: string;
  readonly batchSize?: number;
  readonly json?: boolean;
}

export async function exportStep(trained: Trained, flags: ExportStepFlags): Promise<void> {
  const { file, config, state, progress, model, trainable } = trained;
  const { out = join(dirname(file), 'training-step.onnx'), batchSize = config.batchSize, json } = flags;
  const { classNames } = config.data;
  const { tensors, standardization } = state;
  const options = optionsIn(progress.stage?.index ?? 0, trainerOptionsOf(config));
  const step = progress.step - (progress.stage?.step ?? 0) + 1;
  const { onnx, state: begin } = exportTrainingStep(trainable, {
    ...options,
    batchSize,
    state: tensors,
    step,
    classNames,
    ...(standardization && { standardization }),
  });
  const beside = `${out.replace(/\.onnx$/i, '')}.safetensors`;
  const rate = config.schedule.config.lr;
  await writeAtomically(out, onnx);
  await writeAtomically(beside, toSafetensors({ tensors: begin, metadata: { format: 'pt' } }));
  const shape = [batchSize, ...model.imageShape];
  if (json) {
    printJson({
      event: 'export',
      checkpoint: file,
      out,
      state: beside,
      bytes: onnx.length,
      batchSize,
      step,
      classNames,
    });
    return;
  }
  const mixed = config.mixing !== undefined;
  print(
    `${out}: a training step of ${model.name} from ${file}, ${(onnx.length / 1e6).toFixed(1)} MB of standard operators`,
    `${beside}: what it goes on from, ${Object.keys(begin).length} tensors state/…`,
    `  in   state/…        each tensor of the state, by its name`,
    `       images         uint8 [${shape.join(', ')}]: RGB, 0 to 255, channels first`,
    `       labels         int32 [${batchSize}]: the metadata entry class_names says which is which`,
    ...(mixed
      ? [`       targets        float32 [${batchSize}, ${model.classes}]: the share of each class`]
      : []),
    `       mean           float32 [${model.imageShape[0]}], of pixels from 0 to 1, and deviation: in the metadata`,
    `       learning_rate  float32 []: at most ${rate} in the run`,
    `       step           float64 []: counted on from ${step}`,
    `  out  next/…         what of the state a step changes: the next step's state/…`,
    `       loss, correct  float32 []: mean loss, and how many are right`,
  );
}
