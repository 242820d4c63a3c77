// The bench's training step in TensorFlow.js, on whichever backend is chosen; in Node and in pages.
import * as tf from '@tensorflow/tfjs';
import { createModel } from './models.mjs';

const flattened = (x) => x.reshape([-1, x.shape.at(-1)]);
const normalized = (x, axes, scale, shift) => {
  const { mean, variance } = tf.moments(x, axes, true);
  return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(scale).add(shift);
};

// Images are [N, H, W, C].
const ops = {
  filterShape: (out, inChannels, kernel) => [kernel, kernel, inChannels, out],
  convolution: (x, filter, { stride, padding }) => tf.conv2d(x, filter, stride, padding),
  batchNorm: (x, scale, shift) => normalized(x, [0, 1, 2], scale, shift),
  relu: (x) => x.relu(),
  maxPool: (x) => tf.maxPool(x, 3, 2, 1),
  globalMean: (x) => x.mean([1, 2]),
  linear: (x, weight, bias) =>
    flattened(x)
      .matMul(weight)
      .add(bias)
      .reshape([...x.shape.slice(0, -1), weight.shape[1]]),
  add: (a, b) => a.add(b),
  patches(images, size) {
    const [batch, height, width, channels] = images.shape;
    const [rows, columns] = [height / size, width / size];
    return images
      .reshape([batch, rows, size, columns, size * channels])
      .transpose([0, 1, 3, 2, 4])
      .reshape([batch, rows * columns, size * size * channels]);
  },
  prepend: (token, x) => tf.concat([token.tile([x.shape[0], 1, 1]), x], 1),
  layerNorm: (x, scale, shift) => normalized(x, [-1], scale, shift),
  gelu: (x) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)),
  attention(qkv, heads) {
    const [batch, tokens, triple] = qkv.shape;
    const width = triple / 3;
    const split = qkv.reshape([batch, tokens, 3, heads, width / heads]).transpose([2, 0, 3, 1, 4]);
    const [q, k, v] = split.unstack(0);
    const weights = tf.softmax(tf.matMul(q, k, false, true).mul((width / heads) ** -0.5));
    return tf.matMul(weights, v).transpose([0, 2, 1, 3]).reshape([batch, tokens, width]);
  },
  firstToken: (x) => x.slice([0, 0, 0], [-1, 1, -1]).reshape([x.shape[0], x.shape[2]]),
};

/** What makes a step on the backend that is set, and waits for its loss. */
export function prepare({ model: name, config, optimizer: method, learningRate, batchSize }) {
  const { declared, forward } = createModel(name, config, ops);
  const variables = declared.map(({ shape, deviation, mean }) =>
    tf.variable(deviation === 0 ? tf.fill(shape, mean) : tf.randomNormal(shape, mean, deviation)),
  );
  const optimizer = method === 'sgd' ? tf.train.momentum(learningRate, 0.9) : tf.train.adam(learningRate);
  const images = tf.randomNormal([batchSize, config.imageSize, config.imageSize, config.channels]);
  const labels = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: batchSize }, (_, i) => i % config.classes),
      'int32',
    ),
    config.classes,
  );
  return async () => {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, forward(variables, images)),
      true,
    );
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
}
