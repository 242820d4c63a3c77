import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../random/random.js';
import { type Shape, elementCount } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { referenceCases } from '../testing/tract-reference.js';
import { solveSymmetric } from './cholesky.js';
import { type Array64, type Conv2dTract, tractGradient } from './reference.js';

const array = (seed: number, shape: Shape): { shape: Shape; data: Float64Array } => {
  const random = Random.fromSeed(seed, shape.join());
  return { shape, data: Float64Array.from({ length: elementCount(shape) }, () => random.normal()) };
};
const scaled = ({ shape, data }: Array64, factor: number): Array64 => ({
  shape,
  data: Array.from(data, (value) => value * factor),
});

/** Σ over k of a(i, k) · b(k, j), [rows, columns]. */
function product(
  [rows, inner, columns]: readonly [number, number, number],
  a: (i: number, k: number) => number,
  b: (k: number, j: number) => number,
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a(Math.floor(at / columns), k) * b(k, at % columns);
    return sum;
  });
}

/** What micro-batches share: gᵀx and xᵀx / b. */
function parts({ x, gradZ }: { x: Array64; gradZ: Array64 }): { vanilla: Float64Array; gram: Float64Array } {
  const [[b, n], [, m]] = [x.shape, gradZ.shape];
  const at = (row: number, column: number): number => x.data[row * n + column];
  return {
    vanilla: product(
      [m, b, n],
      (o, row) => gradZ.data[row * m + o],
      (row, column) => at(row, column),
    ),
    gram: product(
      [n, b, n],
      (i, row) => at(row, i),
      (row, j) => at(row, j) / b,
    ),
  };
}

/** vanilla (gram + λI)⁻¹ */
function transformed(vanilla: Float64Array, gram: Float64Array, lambda: number): Float64Array {
  const n = Math.sqrt(gram.length);
  const matrix = gram.map((value, i) => value + (i % (n + 1) === 0 ? lambda : 0));
  return solveSymmetric(matrix, n, vanilla, vanilla.length / n);
}

const size = fc.integer({ min: 1, max: 12 });
const lambdas = fc.double({ min: 1e-3, max: 10, noNaN: true });
const linearProblem = fc
  .record({ b: size, n: size, m: fc.integer({ min: 1, max: 5 }), lambda: lambdas, seed: fc.nat() })
  .map(({ b, n, m, lambda, seed }) => ({
    kind: 'linear' as const,
    x: array(seed, [b, n]),
    gradZ: array(seed + 1, [b, m]),
    lambda,
  }));

describe('tractGradient', () => {
  for (const { name, kind, lambda, x, gradZ, weight, geometry, tract } of referenceCases) {
    it(`agrees with the authors' package: ${name}`, () => {
      const { shape, data } =
        kind === 'linear'
          ? tractGradient({ kind, x, gradZ, lambda })
          : tractGradient({ kind, x, gradZ, lambda, weightShape: weight.shape, ...geometry });
      assert.deepEqual(shape, weight.shape);
      assertWithin(data, tract.data, 1e-8, name);
    });
  }

  it('is both the primal and the dual form', () => {
    fc.assert(
      fc.property(linearProblem, (problem) => {
        const { x, gradZ, lambda } = problem;
        const [[b, n], [, m]] = [x.shape, gradZ.shape];
        const { data } = tractGradient(problem);
        const { vanilla, gram } = parts(problem);
        assertWithin(data, transformed(vanilla, gram, lambda), 1e-10, 'primal');
        // (xxᵀ / b + λI)⁻¹ g, which is symmetric and so can be applied to the rows of gᵀ.
        const outer = product(
          [b, n, b],
          (i, k) => x.data[i * n + k],
          (k, j) => x.data[j * n + k] / b,
        );
        const rows = product(
          [m, 1, b],
          (o) => o,
          () => 0,
        ).map((_, at) => gradZ.data[(at % b) * m + Math.floor(at / b)]);
        const solved = transformed(rows, outer, lambda);
        const dual = product(
          [m, b, n],
          (o, row) => solved[o * b + row],
          (row, column) => x.data[row * n + column],
        );
        assertWithin(data, dual, 1e-10, 'dual');
      }),
    );
  });

  it('times λ becomes the vanilla gradient as λ grows', () => {
    fc.assert(
      fc.property(linearProblem, (problem) => {
        const lambda = 1e9;
        const { data } = tractGradient({ ...problem, lambda });
        const { vanilla } = parts(problem);
        assertWithin(
          data.map((value) => value * lambda),
          vanilla,
          1e-6,
          'λ∇',
        );
      }),
    );
  });

  it('is linear in the gradient, and knows of the scale of x only what λ tells it', () => {
    const factors = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(linearProblem, factors, (problem, c) => {
        const { x, gradZ, lambda } = problem;
        const { data } = tractGradient(problem);
        const larger = tractGradient({ ...problem, gradZ: scaled(gradZ, c) });
        assertWithin(
          larger.data,
          data.map((value) => value * c),
          1e-9,
          'gradZ · c',
        );
        const rescaled = tractGradient({ ...problem, x: scaled(x, c), lambda: lambda * c * c });
        assertWithin(
          rescaled.data,
          data.map((value) => value / c),
          1e-9,
          'x · c, λ · c²',
        );
      }),
    );
  });

  it('does not change when every row is there twice with half its gradient', () => {
    fc.assert(
      fc.property(linearProblem, (problem) => {
        const twice = ({ shape: [b, k], data }: Array64): Array64 => ({
          shape: [2 * b, k],
          data: [...Array.from(data), ...Array.from(data)],
        });
        const doubled = tractGradient({
          ...problem,
          x: twice(problem.x),
          gradZ: twice(scaled(problem.gradZ, 0.5)),
        });
        assertWithin(doubled.data, tractGradient(problem).data, 1e-9, 'doubled batch');
      }),
    );
  });

  it('over micro-batches needs the means of vanilla gradients and Gram matrices, not of its own results', () => {
    const [b, n, m, lambda] = [24, 5, 3, 0.1];
    const x = array(1, [b, n]);
    // Of the mean loss over the whole batch; a micro-batch of a third has three times the gradient.
    const gradZ = array(2, [b, m]);
    const whole = tractGradient({ kind: 'linear', x, gradZ, lambda }).data;
    const batches = [0, 1, 2].map((i) => ({
      x: { shape: [8, n], data: x.data.subarray(8 * i * n, 8 * (i + 1) * n) },
      gradZ: scaled({ shape: [8, m], data: gradZ.data.subarray(8 * i * m, 8 * (i + 1) * m) }, 3),
    }));
    const mean = (arrays: readonly Float64Array[]): Float64Array =>
      arrays[0].map((_, i) => arrays.reduce((sum, each) => sum + each[i], 0) / arrays.length);

    const averaged = batches.map(parts);
    const exact = transformed(
      mean(averaged.map(({ vanilla }) => vanilla)),
      mean(averaged.map(({ gram }) => gram)),
      lambda,
    );
    assertWithin(exact, whole, 1e-12, 'averaged before the inverse');

    const late = mean(batches.map((each) => tractGradient({ kind: 'linear', ...each, lambda }).data));
    assert.throws(() => {
      assertWithin(late, whole, 1e-2, 'averaged after the inverse');
    });
  });

  it('takes further leading dimensions of a linear layer as rows', () => {
    const x = array(3, [2, 4, 5]);
    const gradZ = array(4, [2, 4, 3]);
    const flat = tractGradient({
      kind: 'linear',
      x: { ...x, shape: [8, 5] },
      gradZ: { ...gradZ, shape: [8, 3] },
      lambda: 0.1,
    });
    assert.deepEqual(tractGradient({ kind: 'linear', x, gradZ, lambda: 0.1 }), flat);
  });

  it('treats a patch embedding as a linear layer over its patches', () => {
    const [images, channels, patch, out] = [3, 2, 2, 4];
    const x = array(5, [images, channels, 4, 4]);
    const gradZ = array(6, [images, out, 2, 2]);
    const pixels: number[] = [];
    const gradients: number[] = [];
    for (let image = 0; image < images; image++)
      for (const [row, column] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ]) {
        for (let c = 0; c < channels; c++)
          for (let i = 0; i < patch; i++)
            for (let j = 0; j < patch; j++)
              pixels.push(x.data[((image * channels + c) * 4 + row * 2 + i) * 4 + column * 2 + j]);
        for (let o = 0; o < out; o++) gradients.push(gradZ.data[((image * out + o) * 2 + row) * 2 + column]);
      }
    const asLinear = tractGradient({
      kind: 'linear',
      x: { shape: [12, 8], data: pixels },
      gradZ: { shape: [12, out], data: gradients },
      lambda: 0.2,
    });
    const asConvolution = tractGradient({
      kind: 'conv2d',
      x,
      gradZ,
      lambda: 0.2,
      weightShape: [out, channels, patch, patch],
      stride: [2, 2],
    });
    assertWithin(asConvolution.data, asLinear.data, 1e-12, 'patch embedding');
  });

  it('gives every group of channels a Gram matrix of its own', () => {
    const x = array(7, [3, 4, 5, 5]);
    const gradZ = array(8, [3, 6, 3, 3]);
    const both = tractGradient({
      kind: 'conv2d',
      x,
      gradZ,
      lambda: 0.1,
      weightShape: [6, 2, 3, 3],
      groups: 2,
    });
    for (const group of [0, 1]) {
      const channels = ({ shape: [b, c, h, w], data }: Array64): Array64 => ({
        shape: [b, c / 2, h, w],
        data: Array.from(data).filter((_, i) => Math.floor(i / (h * w) / (c / 2)) % 2 === group),
      });
      const alone = tractGradient({
        kind: 'conv2d',
        x: channels(x),
        gradZ: channels(gradZ),
        lambda: 0.1,
        weightShape: [3, 2, 3, 3],
      });
      assertWithin(both.data.subarray(group * 54, (group + 1) * 54), alone.data, 1e-12, `group ${group}`);
    }
  });

  it('refuses a λ that is not finite and positive', () => {
    const problem = { kind: 'linear', x: array(1, [3, 2]), gradZ: array(2, [3, 2]) } as const;
    for (const lambda of [0, -0, -0.1, NaN, Infinity, -Infinity]) {
      assert.throws(() => tractGradient({ ...problem, lambda }), /lambda must be finite and positive, not/);
    }
  });

  it('refuses shapes that do not fit each other', () => {
    const linear = (x: Shape, gradZ: Shape): (() => unknown) => {
      return () => tractGradient({ kind: 'linear', x: array(1, x), gradZ: array(1, gradZ), lambda: 0.1 });
    };
    assert.throws(linear([4, 3], [5, 2]), /x \[4, 3\] and gradZ \[5, 2\] do not have the same rows/);
    assert.throws(linear([2, 2, 3], [4, 2]), /do not have the same rows/);
    assert.throws(linear([4], [4]), RangeError);
    assert.throws(
      () =>
        tractGradient({
          kind: 'linear',
          x: { shape: [2, 3], data: [1, 2, 3, 4, 5] },
          gradZ: array(1, [2, 2]),
          lambda: 0.1,
        }),
      /x of shape \[2, 3\] needs 6 numbers, but has 5/,
    );
    const conv: Conv2dTract = {
      kind: 'conv2d',
      x: array(1, [2, 4, 5, 5]),
      gradZ: array(2, [2, 6, 3, 3]),
      lambda: 0.1,
      weightShape: [6, 4, 3, 3],
    };
    assert.equal(tractGradient(conv).data.length, 216);
    assert.throws(() => tractGradient({ ...conv, padding: [1, 1, 1, 1] }), /give gradients \[2, 6, 5, 5\]/);
    assert.throws(() => tractGradient({ ...conv, groups: 2 }), /in 2 group\(s\) over images \[2, 4, 5, 5\]/);
    assert.throws(() => tractGradient({ ...conv, weightShape: [5, 4, 3, 3] }), RangeError);
    assert.throws(() => tractGradient({ ...conv, weightShape: [6, 36] }), /four dimensions/);
  });

  it('says so where the numbers are none', () => {
    const x = array(1, [4, 2]);
    x.data[3] = NaN;
    assert.throws(
      () => tractGradient({ kind: 'linear', x, gradZ: array(2, [4, 2]), lambda: 0.1 }),
      /do x and gradZ hold NaN/,
    );
  });
});
