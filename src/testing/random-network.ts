/** Small convolutional networks made up at random, with their gradients, to compare lowerings on. */
import { grad } from '../autodiff/grad.js';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { crossEntropy } from '../nn/loss.js';
import { Random } from '../random/random.js';
import { type Shape, type Tensor, elementCount, tensor } from '../tensor/tensor.js';

export interface RandomNetwork {
  readonly description: string;
  /** Outputs: `loss`, and the gradient of it towards the images and every parameter. */
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const CLASSES = 5;

/** What the images are; the last five are what batch norm, ReLU and max-pooling find hard. */
export const imageKinds = [
  'random',
  'huge',
  'zero',
  'constant',
  'all the same',
  'tiny',
  'one pixel',
] as const;
export type ImageKind = (typeof imageKinds)[number];

function pixels(shape: Shape, kind: ImageKind, random: Random): Float32Array {
  const count = elementCount(shape);
  const [image, plane] = [count / shape[0], shape[2] * shape[3]];
  const normal = Float32Array.from({ length: count }, () => random.normal());
  switch (kind) {
    case 'random':
      return normal;
    case 'huge':
      return normal.map((value) => 1e6 * value);
    case 'tiny':
      return normal.map((value) => 1e-6 * value);
    case 'zero':
      return new Float32Array(count);
    case 'constant':
      return normal.map((_, i) => normal[Math.floor(i / plane) % shape[1]]);
    case 'all the same':
      return normal.map((_, i) => normal[i % image]);
    case 'one pixel':
      return normal.map((value, i) => (i % image === Math.floor(image / 2) ? value : 0));
  }
}

/** Builds a network, and draws what it is fed. */
class Builder {
  readonly graph = new Graph();
  readonly feeds: Record<string, Tensor> = {};
  readonly random: Random;

  constructor(seed: number) {
    this.random = Random.fromSeed(seed, 'random network');
  }

  choose<T>(...options: readonly T[]): T {
    return options[this.random.integer(options.length)];
  }

  feed(name: string, value: Tensor): Value {
    this.feeds[name] = value;
    return this.graph.input(name, value.dtype, value.shape);
  }

  parameter(shape: Shape, mean: number, deviation: number): Value {
    const draw = (): number => this.random.normal(mean, deviation);
    const values = Float32Array.from({ length: elementCount(shape) }, draw);
    return this.feed(`parameter ${Object.keys(this.feeds).length}`, tensor('float32', shape, values));
  }

  /** Biases are for convolutions without batch norm, which would take them out again. */
  conv(
    x: Value,
    channels: number,
    kernel: number,
    options: Partial<op.ConvolutionGeometry>,
    bias = false,
  ): Value {
    const { groups = 1 } = options;
    const shape = [channels, x.shape[1] / groups, kernel, kernel];
    const weight = this.parameter(shape, 0, Math.sqrt(2 / elementCount(shape.slice(1))));
    return op.conv(x, weight, bias ? this.parameter([channels], 0, 0.3) : null, options);
  }

  batchNorm(x: Value): Value {
    const [scale, bias] = [this.parameter([x.shape[1]], 1, 0.3), this.parameter([x.shape[1]], 0, 0.3)];
    return op.batchNormTraining(x, scale, bias).y;
  }

  /** Two convolutions and a shortcut, in one of several ways. */
  block(x: Value, channels: number, stride: number): Value {
    const step = { stride: [stride, stride] } as const;
    const kind = this.choose('3x3', '3x3', '1x1', 'dilated', 'grouped');
    const normalized = this.choose(true, true, false);
    const [kernel, options] = {
      '3x3': [3, { ...step, padding: [1, 1, 1, 1] }],
      '1x1': [1, step],
      dilated: [3, { ...step, padding: [2, 2, 2, 2], dilation: [2, 2] }],
      grouped: [3, { ...step, padding: [1, 1, 1, 1], groups: 2 }],
    }[kind] as [number, Partial<op.ConvolutionGeometry>];
    const first = this.conv(x, channels, kernel, options, !normalized);
    const inner = op.relu(normalized ? this.batchNorm(first) : first);
    const second = this.batchNorm(this.conv(inner, channels, 3, { padding: [1, 1, 1, 1] }));
    if (this.choose(false, false, true)) return op.relu(second);
    if (stride === 1 && x.shape[1] === channels) return op.relu(op.add(second, x));
    const projected = this.conv(x, channels, 1, step, !normalized);
    return op.relu(op.add(second, normalized ? this.batchNorm(projected) : projected));
  }
}

/** The same seed gives the same network; the kinds of images alternate from seed to seed. */
export function randomNetwork(seed: number): RandomNetwork {
  const builder = new Builder(seed);
  const kind = imageKinds[seed % imageKinds.length];
  const [batch, size] = [builder.choose(1, 2, 8, 16, 16, 32), builder.choose(4, 5, 6, 8, 8, 10)];
  const shape = [batch, builder.choose(1, 3, 3, 4, 16), size, size];
  const images = builder.feed('images', tensor('float32', shape, pixels(shape, kind, builder.random)));
  const labels = builder.feed(
    'labels',
    tensor(
      'int32',
      [batch],
      Array.from({ length: batch }, () => builder.random.integer(CLASSES)),
    ),
  );

  const kernel = builder.choose(3, 3, 5, 7);
  const [before, stride] = [Math.floor(kernel / 2), builder.choose(1, 1, 2)];
  const widths = [builder.choose(8, 16, 16, 24, 32), builder.choose(8, 16, 32, 32, 48)];
  const stem = builder.conv(images, widths[0], kernel, {
    stride: [stride, stride],
    padding: [before, before, before, before],
  });
  let x = op.relu(builder.batchNorm(stem));
  const pooled = builder.choose(true, true, false);
  if (pooled) x = op.maxPool(x, { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] }).values;
  for (const width of widths) x = builder.block(x, width, width === widths[0] ? 1 : builder.choose(1, 2));
  const logits = op.linear(op.reduceMean(x, [2, 3]), builder.parameter([CLASSES, x.shape[1]], 0, 0.2));

  const { graph, feeds } = builder;
  const loss = op.reduceMean(crossEntropy(logits, labels), [0]);
  graph.output('loss', loss);
  const inputs = graph.inputs.filter(({ dtype }) => dtype === 'float32');
  grad(loss, inputs).forEach((gradient, i) => {
    graph.output(`gradient of ${inputs[i].name}`, gradient);
  });
  const description = `network ${seed} (${kind} images [${shape.join()}], widths ${widths.join()}, ${pooled ? 'pooled' : 'not pooled'})`;
  return { description, graph, feeds };
}
