/** A training step as an `.onnx` file, for whoever has ONNX Runtime. */
import { portable } from '../engine/lowering/portable.js';
import { rewrite } from '../graph/rewrite.js';
import { toOnnx } from '../graph/serialize.js';
import { stateName } from '../graph/state-names.js';
import type { Model } from '../nn/model.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import type { Tensors } from '../engine/session.js';
import { OptionError } from '../tensor/option-error.js';
import { checkTrainerOptions } from './check-options.js';
import { initialSlots, initialWeights, needsImages } from './initial-state.js';
import { type Standardization, checkState } from './state.js';
import { modelTensors } from './step-graph.js';
import { type TrainingGraphOptions, trainingGraph } from './training-graph.js';

/** How the exported step trains, and from which weights. */
export interface ExportStepOptions extends Omit<TrainingGraphOptions, 'shards'> {
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
  /** Parameters and buffers to begin with, instead of random ones. */
  readonly weights?: Tensors;
  /** All that a run keeps, to go on from, as `Trainer.state` gives it; in place of `weights`. */
  readonly state?: Tensors;
  /** For the metadata, under `step`: the number of the next step. Default 1. */
  readonly step?: number;
  /** For the metadata, which has them as JSON: `class_names`. */
  readonly classNames?: readonly string[];
  /** For the metadata, too: `mean` and `deviation`. */
  readonly standardization?: Standardization;
}

/** A training step as a file, and what it begins with. */
export interface ExportedStep {
  /** The bytes of an `.onnx` file of standard operators. */
  readonly onnx: Uint8Array;
  /**
   * What the state begins with, by the names of the inputs: that of a run, or weights and what an optimizer begins with. A
   * step's outputs `next/<name>` are the next step's inputs `state/<name>`.
   */
  readonly state: Tensors;
}

/**
 * A whole training step (forward, backward, TrAct, optimizer) as one ONNX graph, which any ONNX Runtime trains with, in
 * any language.
 *
 * Inputs: `state/<name>` for parameters, buffers and what the optimizer keeps; `images` uint8 [N, C, H, W]; `labels` int32
 * [N]; `mean` and `deviation` float32 [C], of pixels scaled to [0, 1]; `learning_rate` float32 []; `step` float64 [],
 * counted from 1; with soft labels also `targets` float32 [N, classes]. What is random (dropout, stochastic depth) is computed
 * from `seed` and `step`. Outputs: `next/<name>` for all of the state that a step changes; `loss` and `correct` float32 []. The
 * metadata says the same as JSON, under `inputs` and `outputs`. A second optimizer, of a parameter group, has
 * `learning_rate_2`, and so on.
 *
 * @throws OptionError for an option out of range, or a model that needs images for its initial values and gets no weights
 * @throws StateError naming the first of the given weights or tensors of state that does not fit
 */
export function exportTrainingStep(given: Model | Trainable, options: ExportStepOptions): ExportedStep {
  checkTrainerOptions(options);
  const { seed = 0, step = 1, classNames, standardization, ...graphOptions } = options;
  const { model, transforms } = trainable(given);
  const traced = trainingGraph(given, { ...graphOptions, seed });
  const begun = options.state ?? options.weights;
  if (options.weights) checkState(modelTensors(model), options.weights);
  else if (!begun && needsImages(traced))
    throw new OptionError(`${model.name} takes initial values from images; give weights of a Trainer's`);
  const weights = options.weights ?? initialWeights(traced, seed);
  const initial = { ...weights, ...initialSlots(traced, transforms, weights) };
  if (options.state) checkState(initial, options.state);
  const state = options.state ?? initial;
  const { graph } = traced;
  const onnx = toOnnx(rewrite(graph, portable), {
    name: `${model.name} training step`,
    metadata: {
      model: model.name,
      optimizer: JSON.stringify({ name: options.optimizer.name, ...options.optimizer.config }),
      inputs: JSON.stringify(
        Object.fromEntries(graph.inputs.map(({ name, dtype, shape }) => [name, [dtype, ...shape]])),
      ),
      outputs: JSON.stringify(
        Object.fromEntries([...graph.outputs].map(([name, { dtype, shape }]) => [name, [dtype, ...shape]])),
      ),
      step: String(step),
      ...(classNames && { class_names: JSON.stringify(classNames) }),
      ...(standardization && {
        mean: JSON.stringify(standardization.mean),
        deviation: JSON.stringify(standardization.deviation),
      }),
    },
  });
  return {
    onnx,
    state: Object.fromEntries(Object.entries(state).map(([name, value]) => [stateName(name), value])),
  };
}
