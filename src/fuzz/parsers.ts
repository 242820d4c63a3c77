/** Everything that reads files or texts from outside. */
import type { FuzzedParser } from './parser.js';
import { tarArchive } from './parsers/archive.js';
import { cifar, classNames } from './parsers/cifar.js';
import { image } from './parsers/image.js';
import { metrics } from './parsers/metrics.js';
import { flagValues, lambda } from './parsers/numbers.js';
import { onnx, onnxRun } from './parsers/onnx.js';
import { onnxExported } from './parsers/onnx-exported.js';
import { onnxModel } from './parsers/onnx-model.js';
import { keptScan, pictureTable } from './parsers/pictures.js';
import { results } from './parsers/results.js';
import { runConfig } from './parsers/run-config.js';
import { checkpoint, safetensors } from './parsers/safetensors.js';
import { zip } from './parsers/zip.js';

export const parsers: readonly FuzzedParser[] = [
  safetensors,
  checkpoint,
  runConfig,
  onnx,
  onnxRun,
  onnxModel,
  onnxExported,
  metrics,
  results,
  lambda,
  flagValues,
  cifar,
  classNames,
  image,
  pictureTable,
  keptScan,
  tarArchive,
  zip,
];
