// The bench's training step in jax-js, on whichever device is the default one; in Node and in pages.
//
// The whole step is one jitted function. Inside it arrays are tracers, so nothing is lost by taking a reference (`.ref`)
// at every use, which leaves ownership to the end of the trace.
import { jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { createModel } from './models.mjs';

const normalized = (x, axes, scale, shift) => {
  const centred = x.ref.sub(np.mean(x.ref, axes, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), axes, { keepdims: true });
  return centred.ref
    .div(np.sqrt(variance.add(1e-5)))
    .mul(scale)
    .add(shift);
};
const perChannel = (value) => value.ref.reshape([1, -1, 1, 1]);

// Images are [N, C, H, W].
const ops = {
  filterShape: (out, inChannels, kernel) => [out, inChannels, kernel, kernel],
  convolution: (x, filter, { stride, padding }) =>
    lax.conv(
      x.ref,
      filter.ref,
      [stride, stride],
      [
        [padding, padding],
        [padding, padding],
      ],
    ),
  batchNorm: (x, scale, shift) => normalized(x, [0, 2, 3], perChannel(scale), perChannel(shift)),
  relu: (x) => nn.relu(x.ref),
  // What is pooled is never negative, so padding with zeros changes nothing.
  maxPool: (x) =>
    lax.reduceWindow(
      np.pad(x.ref, [
        [0, 0],
        [0, 0],
        [1, 1],
        [1, 1],
      ]),
      np.max,
      [1, 1, 3, 3],
      [1, 1, 2, 2],
    ),
  globalMean: (x) => np.mean(x.ref, [2, 3]),
  linear: (x, weight, bias) => np.matmul(x.ref, weight.ref).add(bias.ref),
  add: (a, b) => a.ref.add(b.ref),
  patches(images, size) {
    const [batch, channels, height, width] = images.shape;
    const [rows, columns] = [height / size, width / size];
    return images.ref
      .reshape([batch, channels, rows, size, columns, size])
      .transpose([0, 2, 4, 1, 3, 5])
      .reshape([batch, rows * columns, channels * size * size]);
  },
  prepend: (token, x) => np.concatenate([np.broadcastTo(token.ref, [x.shape[0], 1, x.shape[2]]), x.ref], 1),
  layerNorm: (x, scale, shift) => normalized(x, -1, scale.ref, shift.ref),
  gelu: (x) => nn.gelu(x.ref, { approximate: false }),
  attention(qkv, heads) {
    const [batch, tokens, triple] = qkv.shape;
    const width = triple / 3;
    const split = qkv.ref.reshape([batch, tokens, 3, heads, width / heads]).transpose([2, 0, 3, 1, 4]);
    const [q, k, v] = [0, 1, 2].map((i) => split.ref.slice(i));
    const weights = nn.softmax(np.matmul(q, k.transpose([0, 1, 3, 2])).mul((width / heads) ** -0.5), -1);
    return np.matmul(weights, v).transpose([0, 2, 1, 3]).reshape([batch, tokens, width]);
  },
  firstToken: (x) => x.ref.slice([], 0),
};

/** Normal numbers by Box and Muller. */
function normals(shape, deviation, mean) {
  const length = shape.reduce((product, size) => product * size, 1);
  return np
    .array(
      Float32Array.from({ length }, () =>
        deviation === 0
          ? mean
          : mean +
            deviation * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
      ),
    )
    .reshape(shape);
}

/** The update rules of src/optim; a slot is a list of one array for each parameter. */
const rulesOf = (learningRate) => ({
  sgd: {
    slots: 1,
    update(parameter, gradient, [velocity]) {
      const next = velocity.mul(0.9).add(gradient);
      return [parameter.sub(next.ref.mul(learningRate)), next];
    },
  },
  adam: {
    slots: 2,
    update(parameter, gradient, [mean, square], rate, root) {
      const nextMean = mean.mul(0.9).add(gradient.ref.mul(0.1));
      const nextSquare = square.mul(0.999).add(np.square(gradient).mul(0.001));
      const denominator = np.sqrt(nextSquare.ref).div(root.ref).add(1e-8);
      return [parameter.sub(nextMean.ref.div(denominator).mul(rate.ref)), nextMean, nextSquare];
    },
  },
});

/** What makes a step, and waits for its loss. */
export function prepare({ model: name, config, optimizer: method, learningRate, batchSize }) {
  const { declared, forward } = createModel(name, config, ops);
  const lossOf = (parameters, images, labels) => {
    const logits = forward(parameters, images);
    return np.mean(np.sum(nn.logSoftmax(logits, -1).mul(labels), -1)).neg();
  };

  const rule = rulesOf(learningRate)[method];

  const trainingStep = jit((parameters, slots, images, labels, rate, root) => {
    const [loss, gradients] = valueAndGrad(lossOf)(
      parameters.map((one) => one.ref),
      images,
      labels,
    );
    const updated = parameters.map((parameter, i) =>
      rule.update(
        parameter,
        gradients[i],
        slots.map((slot) => slot[i]),
        rate,
        root,
      ),
    );
    return [loss, updated.map(([next]) => next), slots.map((_, k) => updated.map((values) => values[k + 1]))];
  });

  let parameters = declared.map(({ shape, deviation, mean }) => normals(shape, deviation, mean));
  let slots = Array.from({ length: rule.slots }, () => declared.map(({ shape }) => np.zeros(shape)));
  const images = normals([batchSize, config.channels, config.imageSize, config.imageSize], 1, 0);
  const classes = Array.from({ length: batchSize }, (_, i) => i % config.classes);
  const labels = nn.oneHot(np.array(classes, { dtype: np.int32 }), config.classes);
  let count = 0;

  return async () => {
    count++;
    const rate = np.array(learningRate / (1 - 0.9 ** count));
    const root = np.array(Math.sqrt(1 - 0.999 ** count));
    const [loss, ...state] = trainingStep(parameters, slots, images.ref, labels.ref, rate, root);
    [parameters, slots] = state;
    const [value] = await loss.data();
    return value;
  };
}
