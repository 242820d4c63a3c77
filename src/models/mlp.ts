/** A multi-layer perceptron on the pixels. */
import * as op from '../graph/ops.js';
import { linear } from '../nn/layers.js';
import type { Model } from '../nn/model.js';
import { positiveIntegers } from './check.js';

/** Options of the multi-layer perceptron. */
export interface MlpOptions {
  /** Default 10. */
  readonly classes?: number;
  /** Height and width of the images in pixels. Default 32. */
  readonly imageSize?: number;
  /** Default 3. */
  readonly channels?: number;
  /** Features of each hidden layer. Default 256. */
  readonly width?: number;
  /** Number of hidden layers, each followed by ReLU. Default 2. */
  readonly depth?: number;
}

/** Linear layers `layers.0` … `layers.{depth}`, named as in a torch.nn.Sequential without its activations. */
export function mlp(options: MlpOptions = {}): Model {
  const { classes = 10, imageSize = 32, channels = 3, width = 256, depth = 2 } = options;
  positiveIntegers('mlp', { classes, imageSize, channels, width, depth });
  return {
    name: 'mlp',
    config: { classes, imageSize, channels, width, depth },
    imageShape: [channels, imageSize, imageSize],
    classes,
    forward(scope, images) {
      let x = scope.build(() => op.reshape(images, [images.shape[0], -1]));
      for (let index = 0; index < depth; index++) {
        const layer = scope.child('layers').child(index);
        const hidden = linear(layer, x, width);
        x = layer.build(() => op.relu(hidden));
      }
      return linear(scope.child('layers').child(depth), x, classes);
    },
  };
}
