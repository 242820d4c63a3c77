/** Vision transformers (Dosovitskiy et al., 2021), pre-norm, with timm's parameter names. */
import { type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { selfAttention } from '../nn/attention.js';
import { constant, normal } from '../nn/init.js';
import { conv2d, dropPath, layerNorm, linear } from '../nn/layers.js';
import type { Model } from '../nn/model.js';
import type { Scope } from '../nn/scope.js';
import { OptionError } from '../tensor/option-error.js';
import { checkDropPath, positiveIntegers } from './check.js';

/** Options of vision transformers. */
export interface VitOptions {
  /** Default 10. */
  readonly classes?: number;
  /** Height and width of the images in pixels, a multiple of the patch. Default 32. */
  readonly imageSize?: number;
  /** Default 3. */
  readonly channels?: number;
  /** Height and width of a patch in pixels. Default 4. */
  readonly patch?: number;
  /** Features of a token, a multiple of the number of heads. Default 96. */
  readonly width?: number;
  /** Number of blocks. Default 4. */
  readonly depth?: number;
  /** Default 3. */
  readonly heads?: number;
  /** Hidden features of a block's MLP, as a multiple of the width. Default 2. */
  readonly mlpRatio?: number;
  /** Whether a class token is read out; otherwise the mean of all tokens is. Default true. */
  readonly classToken?: boolean;
  /** Added to the variance of the layer norms. Default 1e-5, as PyTorch's; timm's models have 1e-6. */
  readonly normEpsilon?: number;
  /**
   * Stochastic depth: the probability that the last block's attention, and its MLP, are left out for an image in training,
   * at least 0 and below 1; from the first block, which is never left out, it grows evenly. Default 0.
   */
  readonly dropPath?: number;
}

/**
 * `x` [N, tokens, width] → like x
 *
 * @param drop the probability that a branch is left out
 */
function block(scope: Scope, x: Value, heads: number, hidden: number, epsilon: number, drop: number): Value {
  const attended = selfAttention(scope.child('attn'), layerNorm(scope.child('norm1'), x, { epsilon }), heads);
  const first = dropPath(scope.child('drop_path1'), attended, drop);
  const middle = scope.build(() => op.add(x, first));
  const mlp = scope.child('mlp');
  const expanded = linear(mlp.child('fc1'), layerNorm(scope.child('norm2'), middle, { epsilon }), hidden);
  const activated = mlp.build(() => op.gelu(expanded));
  const projected = linear(mlp.child('fc2'), activated, x.shape[2]);
  const second = dropPath(scope.child('drop_path2'), projected, drop);
  return scope.build(() => op.add(middle, second));
}

function visionTransformer(name: string, options: VitOptions): Model {
  const { classes = 10, imageSize = 32, channels = 3, patch = 4, width = 96, depth = 4, heads = 3 } = options;
  const { mlpRatio = 2, classToken = true, normEpsilon = 1e-5, dropPath: drop = 0 } = options;
  checkDropPath(name, drop);
  const hidden = Math.round(width * mlpRatio);
  positiveIntegers(name, { classes, imageSize, channels, patch, width, depth, heads });
  if (imageSize % patch !== 0) {
    throw new OptionError(
      `${name}: images of ${imageSize} pixels are not a whole number of patches of ${patch}`,
    );
  }
  if (width % heads !== 0)
    throw new OptionError(`${name}: the width ${width} is not a multiple of the ${heads} heads`);
  if (!(hidden >= 1 && Number.isSafeInteger(hidden))) {
    throw new OptionError(`${name}: mlpRatio must be a positive number, not ${mlpRatio}`);
  }
  if (!(normEpsilon >= 0 && Number.isFinite(normEpsilon)))
    throw new OptionError(`${name}: normEpsilon must be at least 0, not ${normEpsilon}`);
  return {
    name,
    config: {
      ...{ classes, imageSize, channels, patch, width, depth, heads, mlpRatio, classToken, normEpsilon },
      // Only where it is used: configurations of runs from before it have no such entry.
      ...(drop > 0 && { dropPath: drop }),
    },
    imageShape: [channels, imageSize, imageSize],
    classes,
    forward(scope, images) {
      const batch = images.shape[0];
      const token = classToken ? scope.parameter('cls_token', [1, 1, width], constant(0), 'embedding') : null;
      const count = (imageSize / patch) ** 2 + (token ? 1 : 0);
      const positions = scope.parameter('pos_embed', [1, count, width], normal(0.02), 'embedding');
      const embed = scope.child('patch_embed');
      const patches = conv2d(embed.child('proj'), images, width, { kernelSize: patch, stride: patch });
      let x = embed.build(() => {
        const tokens = op.transpose(op.reshape(patches, [batch, width, -1]), [0, 2, 1]);
        const all = token ? op.concat([op.expand(token, [batch, 1, width]), tokens], 1) : tokens;
        return op.add(all, positions);
      });
      for (let index = 0; index < depth; index++) {
        const rate = (drop * index) / Math.max(depth - 1, 1);
        x = block(scope.child('blocks').child(index), x, heads, hidden, normEpsilon, rate);
      }
      const normalized = layerNorm(scope.child('norm'), x, { epsilon: normEpsilon });
      const features = scope
        .child('pool')
        .build(() =>
          token
            ? op.reshape(op.slice(normalized, [{ axis: 1, start: 0, end: 1 }]), [batch, width])
            : op.reduceMean(normalized, [1]),
        );
      return linear(scope.child('head'), features, classes);
    },
  };
}

/** A vision transformer; the defaults are small enough to train on CIFAR-10 on a CPU. */
export const vit = (options: VitOptions = {}): Model => visionTransformer('vit', options);

const preset =
  (name: string, defaults: VitOptions) =>
  (options: VitOptions = {}): Model =>
    visionTransformer(name, { imageSize: 224, patch: 16, mlpRatio: 4, ...defaults, ...options });

/** ViT-Ti/16 (DeiT's tiny): width 192, depth 12, 3 heads, for images of 224 pixels. */
export const vitTiny = preset('vit-tiny', { width: 192, depth: 12, heads: 3 });
/** ViT-S/16: width 384, depth 12, 6 heads, for images of 224 pixels. */
export const vitSmall = preset('vit-small', { width: 384, depth: 12, heads: 6 });
/** ViT-B/16: width 768, depth 12, 12 heads, for images of 224 pixels. */
export const vitBase = preset('vit-base', { width: 768, depth: 12, heads: 12 });
