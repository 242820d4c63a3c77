/**
 * Residual networks (He et al., 2016) with torchvision's parameter names, and the CIFAR stem of the TrAct paper.
 */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { kaimingNormalFanOut } from '../nn/init.js';
import type { Conv2dOptions } from '../nn/conv2d-options.js';
import { batchNorm, conv2d, dropPath, linear } from '../nn/layers.js';
import type { Model } from '../nn/model.js';
import type { Scope } from '../nn/scope.js';
import { OptionError } from '../tensor/option-error.js';
import { checkDropPath, positiveIntegers } from './check.js';

/** Options of residual networks. */
export interface ResNetOptions {
  /** Default 10. */
  readonly classes?: number;
  /**
   * The first layers: `imagenet` is a 7x7 convolution with stride 2, `cifar` a 3x3 one with stride 1; a 3x3 max-pool
   * with stride 2 follows both. Default: `cifar` for images of up to 64 pixels, `imagenet` for larger ones.
   */
  readonly stem?: 'imagenet' | 'cifar';
  /** Channels after the stem; the stages have 1, 2, 4 and 8 times as many. Default 64. */
  readonly width?: number;
  /** Height and width of the images in pixels. Default 32 with the CIFAR stem, 224 with the other. */
  readonly imageSize?: number;
  /** Default 3. */
  readonly channels?: number;
  /**
   * Stochastic depth: the probability that the last block's branch is left out for an image in training, at least 0 and
   * below 1; from the first block, which is never left out, it grows evenly. Default 0.
   */
  readonly dropPath?: number;
  /**
   * Whether the last normalisation of a block's branch starts from a scale of 0, so that every block begins as its
   * shortcut (Goyal et al., 2017, section 5.1; torchvision's `zero_init_residual`). Default false.
   */
  readonly zeroInitResidual?: boolean;
}

interface Branch {
  /** The probability that it is left out. */
  readonly drop: number;
  /** What the scale of its last normalisation starts from. */
  readonly initialScale: number;
}

type Block = (scope: Scope, x: Value, channels: number, stride: number, branch: Branch) => Value;

const convolutionOptions = (kernelSize: number, stride: number): Conv2dOptions => ({
  kernelSize,
  stride,
  padding: (kernelSize - 1) / 2,
  bias: false,
  initializer: kaimingNormalFanOut,
});

const convolution = (scope: Scope, x: Value, channels: number, kernelSize: number, stride = 1): Value =>
  conv2d(scope, x, channels, convolutionOptions(kernelSize, stride));

/** The identity, or a 1x1 projection where the shape changes. */
function shortcut(scope: Scope, x: Value, channels: number, stride: number): Value {
  if (stride === 1 && x.shape[1] === channels) return x;
  const downsample = scope.child('downsample');
  return batchNorm(downsample.child(1), convolution(downsample.child(0), x, channels, 1, stride));
}

/** Two 3x3 convolutions (ResNet-18 and -34). */
const basicBlock: Block = (scope, x, channels, stride, { drop, initialScale }) => {
  const inner = batchNorm(scope.child('bn1'), convolution(scope.child('conv1'), x, channels, 3, stride));
  const activated = scope.build(() => op.relu(inner));
  const outer = batchNorm(scope.child('bn2'), convolution(scope.child('conv2'), activated, channels, 3), {
    initialScale,
  });
  const identity = shortcut(scope, x, channels, stride);
  const branch = dropPath(scope, outer, drop);
  return scope.build(() => op.relu(op.add(branch, identity)));
};

/** 1x1, 3x3 and 1x1 with four times the channels (ResNet-50); the stride is in the 3x3, as in torchvision. */
const bottleneck: Block = (scope, x, channels, stride, { drop, initialScale }) => {
  const reduced = batchNorm(scope.child('bn1'), convolution(scope.child('conv1'), x, channels, 1));
  const first = scope.build(() => op.relu(reduced));
  const spatial = batchNorm(
    scope.child('bn2'),
    convolution(scope.child('conv2'), first, channels, 3, stride),
  );
  const second = scope.build(() => op.relu(spatial));
  const outer = batchNorm(scope.child('bn3'), convolution(scope.child('conv3'), second, 4 * channels, 1), {
    initialScale,
  });
  const identity = shortcut(scope, x, 4 * channels, stride);
  const branch = dropPath(scope, outer, drop);
  return scope.build(() => op.relu(op.add(branch, identity)));
};

function resnet(name: string, block: Block, depths: readonly number[], options: ResNetOptions): Model {
  const { classes = 10, width = 64, channels = 3, dropPath: drop = 0, zeroInitResidual = false } = options;
  const stem = options.stem ?? ((options.imageSize ?? 32) <= 64 ? 'cifar' : 'imagenet');
  const imageSize = options.imageSize ?? (stem === 'cifar' ? 32 : 224);
  // Options may come from a checkpoint, where the compiler has not seen them.
  if (!['cifar', 'imagenet'].includes(stem)) {
    throw new OptionError(`${name}: stem must be "cifar" or "imagenet", not ${JSON.stringify(stem)}`);
  }
  positiveIntegers(name, { classes, width, imageSize, channels });
  checkDropPath(name, drop);
  const initialScale = zeroInitResidual ? 0 : 1;
  const blocks = depths.reduce((sum, depth) => sum + depth, 0);
  const [kernelSize, stride] = stem === 'cifar' ? [3, 1] : [7, 2];
  return {
    name,
    config: {
      ...{ classes, stem, width, imageSize, channels },
      // Only where they are used: configurations of runs from before them have no such entries.
      ...(drop > 0 && { dropPath: drop }),
      ...(zeroInitResidual && { zeroInitResidual }),
    },
    imageShape: [channels, imageSize, imageSize],
    classes,
    forward(scope, images) {
      const first = batchNorm(
        scope.child('bn1'),
        convolution(scope.child('conv1'), images, width, kernelSize, stride),
      );
      let x = scope
        .child('maxpool')
        .build(
          () => op.maxPool(op.relu(first), { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] }).values,
        );
      let number = 0;
      depths.forEach((depth, stage) => {
        for (let index = 0; index < depth; index++) {
          const at = scope.child(`layer${stage + 1}`).child(index);
          const rate = (drop * number++) / Math.max(blocks - 1, 1);
          const branch = { drop: rate, initialScale };
          x = block(at, x, width * 2 ** stage, stage > 0 && index === 0 ? 2 : 1, branch);
        }
      });
      const pooled = scope.child('avgpool').build(() => op.reduceMean(x, [2, 3]));
      return linear(scope.child('fc'), pooled, classes);
    },
  };
}

/** ResNet-18: 11.2 million parameters at width 64. */
export const resnet18 = (options: ResNetOptions = {}): Model =>
  resnet('resnet18', basicBlock, [2, 2, 2, 2], options);
/** ResNet-34: 21.3 million parameters at width 64. */
export const resnet34 = (options: ResNetOptions = {}): Model =>
  resnet('resnet34', basicBlock, [3, 4, 6, 3], options);
/** ResNet-50: 23.5 million parameters at width 64. */
export const resnet50 = (options: ResNetOptions = {}): Model =>
  resnet('resnet50', bottleneck, [3, 4, 6, 3], options);
