/** The step of a case as a trainer makes it, without the trainer's loop, so that each stage can be timed. */
import { lower } from '../engine/compile.js';
import { executionProvider } from '../engine/device.js';
import { Program, type Tensors } from '../engine/session.js';
import { Stepper } from '../engine/stepper.js';
import { tensor, zeros } from '../tensor/tensor.js';
import { tract } from '../tract/tract.js';
import { initialSlots, initialWeights } from '../train/initial-state.js';
import { trainingGraph } from '../train/step-graph.js';
import type { BenchCase } from './cases.js';
import { batches } from './images.js';

export interface TrainingOptions {
  readonly tract: boolean;
  readonly threads?: number;
  /** Where ONNX Runtime writes its profile, as a prefix of the file's name. */
  readonly profile?: string;
  /** Called at the end of each stage. */
  readonly onStage?: (stage: 'built' | 'lowered' | 'session') => void;
}

export interface Training {
  readonly program: Program;
  /** Bytes of one copy of the state. */
  readonly stateBytes: number;
  /**
   * Makes the next step.
   *
   * @throws Error when the loss is no number any more: such a step may be slower or faster than others
   */
  step(): Promise<void>;
}

export async function prepare(benchCase: BenchCase, options: TrainingOptions): Promise<Training> {
  const { batchSize, learningRate } = benchCase;
  const optimizer = benchCase.optimizer();
  const model = options.tract ? tract(benchCase.model()) : benchCase.model();
  const traced = trainingGraph(model, { batchSize, optimizer });
  const state: Tensors = { ...initialWeights(traced, 0), ...initialSlots(traced, optimizer) };
  const inputs = batches(model, batchSize);
  options.onStage?.('built');

  const bytes = await lower(traced.graph, 'cpu');
  options.onStage?.('lowered');

  const { threads, profile } = options;
  const program = await Program.load(bytes, { provider: executionProvider('cpu'), threads, profile });
  options.onStage?.('session');

  const results = { loss: zeros('float32', []), correct: zeros('float32', []) };
  const stepper = new Stepper(program, state, results);
  let count = 0;
  return {
    program,
    stateBytes: Object.values(state).reduce((sum, { data }) => sum + data.byteLength, 0),
    async step() {
      const batch = inputs[count++ % inputs.length];
      const { loss } = await stepper.step({
        ...batch,
        learning_rate: tensor('float32', [], [learningRate]),
        step: tensor('float64', [], [count]),
      });
      if (!Number.isFinite(Number(loss.data[0]))) {
        throw new Error(`the loss of ${benchCase.name} became ${loss.data[0]} at step ${count}`);
      }
    },
  };
}
