/** Layers with their gradients as the authors' own PyTorch package computes them. */
import { readFileSync } from 'node:fs';
import { geometry } from '../graph/ops/convolution.js';
import { type Shape, type Tensor, tensor, zeros } from '../tensor/tensor.js';
import { type ImageGeometry, hostConv, resultShape } from './convolution.js';

interface StoredArray {
  readonly shape: number[];
  readonly data: number[];
}

interface StoredCase {
  readonly kind: 'linear' | 'conv2d';
  readonly seed: number;
  readonly lambda_: number;
  readonly config: { readonly stride?: number; readonly padding?: number };
  readonly input: StoredArray;
  readonly weight: StoredArray;
  readonly bias: number[] | null;
  readonly target: StoredArray;
  readonly lossValue: number;
  readonly vanillaWeightGrad: number[];
  readonly tractWeightGrad: number[];
  readonly biasGrad: number[] | null;
  readonly inputGrad: number[];
}

type Float64Tensor = Tensor<'float64'>;

/** A layer z = layer(x) under the loss mean((z - target)²), all in float64. */
export interface ReferenceCase {
  readonly name: string;
  readonly kind: 'linear' | 'conv2d';
  readonly lambda: number;
  /** Of a convolution. */
  readonly geometry: ImageGeometry;
  readonly x: Float64Tensor;
  readonly weight: Float64Tensor;
  readonly bias: Float64Tensor | null;
  readonly target: Float64Tensor;
  readonly loss: number;
  /** Computed here, by loops. */
  readonly gradZ: Float64Tensor;
  readonly vanilla: Float64Tensor;
  readonly tract: Float64Tensor;
  readonly gradBias: Float64Tensor | null;
  readonly gradX: Float64Tensor;
}

// The compiler copies no JSON to dist/, so it is read where it lies.
const file = new URL('../../src/testing/fixtures/tract-reference.json', import.meta.url);

const float64 = (shape: Shape, data: readonly number[]): Float64Tensor => tensor('float64', shape, data);

export const referenceCases: readonly ReferenceCase[] = (
  JSON.parse(readFileSync(file, 'utf8')) as { cases: StoredCase[] }
).cases.map((stored) => {
  const { kind, config, input, weight, bias, target } = stored;
  const { stride = 1, padding = 0 } = config;
  const layer = {
    kind,
    geometry: geometry({
      stride: [stride, stride],
      padding: [padding, padding, padding, padding],
    }) as ImageGeometry,
    x: float64(input.shape, input.data),
    weight: float64(weight.shape, weight.data),
    bias: bias && float64([bias.length], bias),
  };
  const z = preActivation(layer);
  return {
    ...layer,
    name: `${kind} ${input.shape.join('x')} by ${weight.shape.join('x')}, λ = ${stored.lambda_}`,
    lambda: stored.lambda_,
    target: float64(target.shape, target.data),
    loss: stored.lossValue,
    gradZ: float64(
      z.shape,
      Array.from(z.data, (value, i) => (2 * (value - target.data[i])) / z.data.length),
    ),
    vanilla: float64(weight.shape, stored.vanillaWeightGrad),
    tract: float64(weight.shape, stored.tractWeightGrad),
    gradBias: stored.biasGrad && float64([stored.biasGrad.length], stored.biasGrad),
    gradX: float64(input.shape, stored.inputGrad),
  };
});

function preActivation({
  kind,
  x,
  weight,
  bias,
  geometry: options,
}: Pick<ReferenceCase, 'kind' | 'x' | 'weight' | 'bias' | 'geometry'>): Float64Tensor {
  if (kind === 'conv2d') {
    const convolution = { name: '', x: x.shape, weight: weight.shape, options };
    const z = hostConv(convolution, x, weight);
    const [, channels, height, width] = resultShape(convolution);
    z.data.forEach((_, i) => (z.data[i] += bias?.data[Math.floor(i / (height * width)) % channels] ?? 0));
    return z;
  }
  const [[rows, n], [m]] = [x.shape, weight.shape];
  const z = zeros('float64', [rows, m]);
  for (let row = 0; row < rows; row++)
    for (let o = 0; o < m; o++) {
      let sum = bias?.data[o] ?? 0;
      for (let k = 0; k < n; k++) sum += x.data[row * n + k] * weight.data[o * n + k];
      z.data[row * m + o] = sum;
    }
  return z;
}
