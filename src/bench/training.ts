/** The step of a case as a trainer makes it, with the stages on the way to it. */
import type { Device } from '../engine/device.js';
import { tract } from '../tract/tract.js';
import { Trainer } from '../train/trainer.js';
import type { BenchCase } from './cases.js';
import { batches } from './images.js';

export interface TrainingOptions {
  readonly tract: boolean;
  /** Default `cpu`. */
  readonly device?: Device;
  readonly threads?: number;
  /** Where ONNX Runtime writes its profile, as a prefix of the file's name. */
  readonly profile?: string;
  /** Called at the end of each stage. */
  readonly onStage?: (stage: 'built' | 'lowered' | 'session') => void;
}

export interface Training {
  /** Bytes of one copy of the state. */
  readonly stateBytes: number;
  /**
   * Makes the next step.
   *
   * @throws DivergenceError when the loss is no number any more: such a step may be slower or faster than others
   */
  step(): Promise<void>;
  /** Ends profiling, if it was on, and frees the session. */
  release(): Promise<void>;
}

export async function prepare(benchCase: BenchCase, options: TrainingOptions): Promise<Training> {
  const { batchSize } = benchCase;
  const model = benchCase.model();
  const { inputs, standardization } = batches(model, batchSize);
  const { device, threads, profile, onStage } = options;
  const trainer = await Trainer.create(options.tract ? tract(model) : model, {
    optimizer: benchCase.optimizer(),
    batchSize,
    standardization,
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    compile: { ...(profile !== undefined && { profile }), ...(onStage && { onStage }) },
  });
  const { tensors } = await trainer.state();
  let count = 0;
  return {
    stateBytes: Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0),
    async step() {
      await trainer.step(inputs[count++ % inputs.length]);
    },
    release: () => trainer.release(),
  };
}
