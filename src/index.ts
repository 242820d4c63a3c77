/** `tract-ts`: everything that runs in Node and in browsers alike. */

// Models.
export * as models from './models/models.js';
export { type AirbenchOptions, airbench } from './models/airbench.js';
export { mlp } from './models/mlp.js';
export { resnet18 } from './models/resnet.js';
export { vit } from './models/vit.js';
export type { GivenName } from './graph/import/foreign-values.js';
export type { Head } from './nn/head.js';
export {
  type FileFacts,
  type FileStandardization,
  type FileModel,
  type LoadModelOptions,
  isFileModel,
} from './models/file-model-options.js';
export { type ConfigValue, type Model, type ModelDescription, defineModel } from './nn/model.js';
export * as nn from './nn/nn.js';
export { type TestViews, testViews } from './nn/test-views.js';

// TrAct.
export { FirstLayerError } from './tract/first-layer.js';
export type { Lambda } from './tract/lambda.js';
export { type Array64, type Conv2dTract, type LinearTract, tractGradient } from './tract/reference.js';
export type { TractOverTime } from './tract/over-time.js';
export { type TractOptions, tract } from './tract/tract.js';

// Optimizers, schedules, parameter groups and gradient transforms.
export { type AdamOptions, adam, adamw } from './optim/adam.js';
export { centralizeGradients } from './optim/centralize.js';
export type { Assignment, GroupedParameter, ParameterGroup, Selector } from './optim/groups.js';
export { type LambOptions, lamb } from './optim/lamb.js';
export { type LionOptions, lion } from './optim/lion.js';
export { type LookaheadOptions, lookahead } from './optim/lookahead.js';
export { type GroupSettings, type ParameterGroups, groupsFor } from './optim/model-groups.js';
export { type MuonOptions, muon, muonGroups } from './optim/muon.js';
export type { Optimizer, Slot, UpdateContext } from './optim/optimizer.js';
export {
  type OptimizerConfig,
  type OptimizerName,
  type ScheduleName,
  createOptimizer,
  createSchedule,
  optimizers,
  schedules,
} from './optim/registry.js';
export {
  type LearningRate,
  type LinearScheduleOptions,
  type OneCycleOptions,
  type Schedule,
  type ScheduleOptions,
  type StepScheduleOptions,
  constant,
  cosine,
  linear,
  oneCycle,
  stepDecay,
  usualWarmup,
} from './optim/schedule.js';
export { type SgdOptions, sgd } from './optim/sgd.js';
export type { Trainable } from './optim/trainable.js';
export {
  type ForwardPass,
  type GradientTransform,
  type Json,
  type TransformContext,
  type Transformed,
  clipByGlobalNorm,
} from './optim/transform.js';

// Data.
export { type AlternatingFlipOptions, alternatingFlip } from './data/alternating-flip.js';
export {
  type CropAndFlip,
  type RandomCropOptions,
  randomCrop,
  randomHorizontalFlip,
} from './data/augment.js';
export { type ColorJitterOptions, colorJitter } from './data/colour.js';
export { InlineLoader } from './data/batches.js';
export { checkClassNames } from './data/class-names.js';
export { DataError } from './data/data-error.js';
export { type ImageDataset, type SetAside, limit } from './data/dataset.js';
export type { FolderConfig, PictureDecoding } from './data/folder/folder-config.js';
export {
  type ImageDatasetOptions,
  type ImageDatasetSettings,
  type OwnImages,
  imageDataset,
} from './data/image-dataset.js';
export type { ImageShape, ImageSource, Images, Split, WorkerSource } from './data/image-source.js';
export type { ImageTransform, Occasion, Picture, TransformConfig } from './data/image-transform.js';
export {
  type StoredAugmentation,
  type StoredTransform,
  createImageTransform,
  imageTransforms,
} from './data/image-transforms.js';
export { type InputScaling, inputScalings, scaleInput } from './data/input-scaling.js';
export type { Batch, BatchLoader, BatchPlan, LoaderOptions } from './data/loader.js';
export type { Mixing } from './data/mixing.js';
export { type RawPicture, coverImage } from './data/raw-picture.js';
export { type RandAugmentOptions, randAugment } from './data/rand-augment.js';
export { type RandomErasingOptions, randomErasing } from './data/random-erasing.js';
export {
  type CenterCropOptions,
  type RandomResizedCropOptions,
  type ResizeOptions,
  centerCrop,
  randomResizedCrop,
  resize,
} from './data/resize.js';
export type { RgbaPicture } from './data/rgba-pictures.js';
export { type ShapesOptions, shapes } from './data/shapes.js';
export { splitValidation } from './data/split-validation.js';

// Training.
export { type EarlyStoppingOptions, earlyStopping } from './train/callbacks/early-stopping.js';
export {
  type FindRateOptions,
  type RateFinding,
  type RateResult,
  type RateStep,
  findLearningRate,
} from './train/find-lr.js';
export { DivergenceError } from './train/divergence.js';
export {
  type EpochEvent,
  type Evaluation,
  type EvaluationEvent,
  type EvaluationFigures,
  type MetricFigures,
  type Metrics,
  type StepEvent,
  type TestFigures,
  type TrainingEvent,
  type ValidationFigures,
  evaluationOf,
} from './train/events.js';
export type {
  Callback,
  FitOptions,
  FitResult,
  RunOptions,
  StepOptions,
  StepResult,
  TrainerOptions,
  TrainingBatch,
} from './train/options.js';
export type { Progress, StageProgress } from './train/progress.js';
export {
  type PaperRecipeOptions,
  type Recipe,
  type RecipeName,
  type SpeedOptimizationOptions,
  type SpeedRecipeOptions,
  paperRecipe,
  recipes,
  speedOptimization,
  speedRecipe,
} from './train/recipes.js';
export type { ResolutionStage } from './train/progressive.js';
export { balancedClassWeights } from './data/class-weights.js';
export type { TrainingStage } from './train/stages.js';
export { type Standardization, StateError, type TrainingState } from './train/state.js';
export { BusyError } from './train/state-lock.js';
export { Trainer } from './train/trainer.js';

export { loadModel } from './train/load-model.js';

export {
  type ChosenDevice,
  type DeviceProof,
  type ProofOptions,
  type StepDifferences,
  chooseDevice,
  proveDevice,
} from './train/prove-device.js';
export type { Difference } from './train/step-differences.js';

// Trained models.
export { Classifier, type ClassifierOptions, type Prediction } from './train/classifier.js';
export {
  type EvaluateOptions,
  Evaluator,
  type EvaluatorOptions,
  type LearnedInputs,
  type LearnedState,
} from './train/evaluator.js';
export type { FileLike, FileSource, PictureElement, PictureFile } from './train/platform/platform.js';

// Files: checkpoints, weights, ONNX.
export {
  type Checkpoint,
  type RestoreOptions,
  fromCheckpoint,
  readWeights,
  restoreTrainer,
  toCheckpoint,
  weightsOf,
} from './train/checkpoint.js';
export { type ExportOptions, type PixelsExportOptions, exportOnnx } from './train/export.js';
export type { PictureResizing } from './train/resizing.js';
export { type FileExportOptions, exportFileModel } from './train/export-file.js';
export { type ExportStepOptions, type ExportedStep, exportTrainingStep } from './train/export-step.js';
export { CheckpointError } from './train/json-check.js';
export {
  type DataConfig,
  type Described,
  type GroupConfig,
  type ModelMaker,
  type RunConfig,
  type StageConfig,
  type TractSetting,
  describeRun,
} from './train/run-config.js';
export { type OwnParts, modelOf, runOptionsOf, trainerOptionsOf } from './train/run-parts.js';
export { type Safetensors, SafetensorsError, fromSafetensors, toSafetensors } from './tensor/safetensors.js';

// Graphs: what a training step is made of.
export { grad } from './autodiff/grad.js';
export { type CompileOptions, compile } from './engine/compile.js';
export { type Device, DeviceError, devices } from './engine/device.js';
export { type GroupTimes, type ProcessGroup, ProcessGroupError } from './engine/process-group.js';
export {
  Program,
  type RuntimeTensor,
  type RuntimeTensors,
  type SessionOptions,
  type Tensors,
} from './engine/session.js';
export type { Attribute, Attributes } from './graph/attributes.js';
export { Graph, GraphError, type Node, type Value } from './graph/graph.js';
export * as op from './graph/operators.js';
export type { Dimension } from './graph/any-batch.js';
export { type ParsedModel, fromOnnx } from './graph/parse.js';
export type { ExternalData, ForeignValue } from './graph/import/foreign-values.js';
export { ImportError, type ImportFindings, type ImportProblem } from './graph/import/import-error.js';
export type { Rewrite, Rewrites } from './graph/rewrite.js';
export { type OnnxOptions, type Prelude, type PreludeNode, toOnnx } from './graph/serialize.js';
export { evaluationGraph, inferenceGraph } from './train/step-graph.js';
export {
  type TrainingGraph,
  type TrainingGraphOptions,
  gradientGraph,
  trainingGraph,
  updateGraph,
} from './train/training-graph.js';

// Values, random numbers, options.
export { Random, type RandomState } from './random/random.js';
export { OptionError } from './tensor/option-error.js';
export {
  type DType,
  type Shape,
  type Tensor,
  type TensorType,
  type TypedArrays,
  tensor,
  zeros,
} from './tensor/tensor.js';
