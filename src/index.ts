/** `tract-ts`: everything that runs in Node and in browsers alike. */
export { InlineLoader } from './data/batches.js';
export type { Batch, BatchLoader, BatchPlan, LoaderOptions } from './data/loader.js';
export { DataError } from './data/data-error.js';
export { type RandomCropOptions, randomCrop, randomHorizontalFlip } from './data/augment.js';
export { type ImageDataset, type SetAside, limit } from './data/dataset.js';
export {
  type ImageDatasetOptions,
  type ImageDatasetSettings,
  type OwnImages,
  imageDataset,
} from './data/image-dataset.js';
export type { ImageShape, ImageSource, Images, Split, WorkerSource } from './data/image-source.js';
export type { ImageTransform, Picture, TransformConfig } from './data/image-transform.js';
export {
  type StoredAugmentation,
  type StoredTransform,
  createImageTransform,
  imageTransforms,
} from './data/image-transforms.js';
export {
  type CenterCropOptions,
  type RandomResizedCropOptions,
  type ResizeOptions,
  centerCrop,
  randomResizedCrop,
  resize,
} from './data/resize.js';
export type { RgbaPicture } from './data/rgba-pictures.js';
export { splitValidation } from './data/split-validation.js';
export { checkClassNames } from './data/class-names.js';
export { type InputScaling, inputScalings, scaleInput } from './data/input-scaling.js';
export { type ShapesOptions, shapes } from './data/shapes.js';
export { grad } from './autodiff/grad.js';
export { type CompileOptions, compile } from './engine/compile.js';
export { type Device, DeviceError, devices } from './engine/device.js';
export { Program, type Tensors } from './engine/session.js';
export { Graph, GraphError, type Value } from './graph/graph.js';
export * as op from './graph/ops.js';
export { type ParsedModel, fromOnnx } from './graph/parse.js';
export { type OnnxOptions, toOnnx } from './graph/serialize.js';
export { type MlpOptions, mlp } from './models/mlp.js';
export { createModel, models } from './models/registry.js';
export { type ResNetOptions, resnet18, resnet34, resnet50 } from './models/resnet.js';
export { type VitOptions, vit, vitBase, vitSmall, vitTiny } from './models/vit.js';
export * as init from './nn/init.js';
export { selfAttention } from './nn/attention.js';
export { batchNorm, conv2d, layerNorm, linear } from './nn/layers.js';
export { correct, crossEntropy } from './nn/loss.js';
export { type ConfigValue, type Model, type ModelDescription, defineModel, trace } from './nn/model.js';
export * as nn from './nn/nn.js';
export { Scope } from './nn/scope.js';
export { type AdamOptions, adam, adamw } from './optim/adam.js';
export type { Optimizer } from './optim/optimizer.js';
export { type Schedule, type ScheduleOptions, constant, cosine } from './optim/schedule.js';
export { createOptimizer, createSchedule } from './optim/registry.js';
export { type SgdOptions, sgd } from './optim/sgd.js';
export { Random, type RandomState } from './random/random.js';
export { type Safetensors, SafetensorsError, fromSafetensors, toSafetensors } from './tensor/safetensors.js';
export { type DType, type Shape, type Tensor, tensor, zeros } from './tensor/tensor.js';
export { FirstLayerError } from './tract/first-layer.js';
export { type Lambda, formatLambda, parseLambda } from './tract/lambda.js';
export { type Array64, type Conv2dTract, type LinearTract, tractGradient } from './tract/reference.js';
export { type TractOptions, tract } from './tract/tract.js';
export {
  type Checkpoint,
  fromCheckpoint,
  readWeights,
  restoreTrainer,
  toCheckpoint,
  weightsOf,
} from './train/checkpoint.js';
export { Classifier, type ClassifierOptions, type Prediction } from './train/classifier.js';
export { DivergenceError } from './train/divergence.js';
export {
  type EvaluateOptions,
  Evaluator,
  type EvaluatorOptions,
  type LearnedState,
} from './train/evaluator.js';
export {
  type EpochEvent,
  type Evaluation,
  type EvaluationEvent,
  type EvaluationFigures,
  type StepEvent,
  type TrainingEvent,
  evaluationOf,
} from './train/events.js';
export { type ExportOptions, exportOnnx } from './train/export.js';
export { type ExportStepOptions, type ExportedStep, exportTrainingStep } from './train/export-step.js';
export { CheckpointError } from './train/json-check.js';
export type { Callback, FitOptions, FitResult, TrainerOptions } from './train/options.js';
export { type RunConfig, describeRun, runOptionsOf, modelOf, trainerOptionsOf } from './train/run-config.js';
export { StateError, type TrainingState } from './train/state.js';
export { BusyError } from './train/state-lock.js';
export { evaluationGraph, inferenceGraph } from './train/step-graph.js';
export { gradientGraph, trainingGraph, updateGraph } from './train/training-graph.js';
export { Trainer } from './train/trainer.js';
