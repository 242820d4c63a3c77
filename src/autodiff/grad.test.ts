import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { int } from '../graph/attributes.js';
import { Graph, GraphError, type Value } from '../graph/graph.js';
import { live } from '../graph/live.js';
import * as op from '../graph/ops.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { checkGradients } from '../testing/gradients.js';
import { assertClose, randomTensor, runGraph } from '../testing/run.js';
import { grad } from './grad.js';

/** The elements of the gradient of the sum of what `build` computes, towards the first of the inputs. */
async function gradientOf(
  build: (x: Value) => Value,
  shape: readonly number[],
  elements: readonly number[],
): Promise<number[]> {
  const graph = new Graph();
  const x = graph.input('x', 'float64', shape);
  const y = build(x);
  const [gradient] = grad(
    op.reduceSum(
      y,
      y.shape.map((_, axis) => axis),
    ),
    [x],
  );
  graph.output('gradient', gradient);
  return toNumbers((await runGraph(graph, { x: tensor('float64', shape, elements) })).gradient);
}

describe('grad', () => {
  test('adds up what comes back from every use of a value', async () => {
    await checkGradients((x) => op.add(op.mul(x, x), op.mul(op.exp(x), x)), [[2, 3]]);
    assert.deepEqual(await gradientOf((x) => op.add(x, op.add(x, x)), [2], [5, 7]), [3, 3]);
  });

  test('differentiates through a network with a residual connection', async () => {
    await checkGradients(
      (x, w1, b1, w2, b2) => {
        const hidden = op.tanh(op.linear(x, w1, b1));
        const joined = op.add(x, op.linear(hidden, w2, b2));
        return op.logSoftmax(joined);
      },
      [[3, 4], [5, 4], [5], [4, 5], [4]],
    );
  });

  test('gives zeros of the right shape where the loss does not depend on a value', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float64', [3]);
    const unused = graph.input('unused', 'float64', [2, 3]);
    const gradients = grad(op.reduceSum(x, [0]), [unused, x]);
    gradients.forEach((gradient, i) => {
      graph.output(`gradient${i}`, gradient);
    });
    const feeds = { x: randomTensor('float64', [3]), unused: randomTensor('float64', [2, 3]) };
    const results = await runGraph(graph, feeds);
    assertClose(results.gradient0, tensor('float64', [2, 3], [0, 0, 0, 0, 0, 0]), 0);
    assertClose(results.gradient1, tensor('float64', [3], [1, 1, 1]), 0);
  });

  test('gives zeros towards a value whose only path to the loss carries no gradient', async () => {
    assert.deepEqual(
      await gradientOf((x) => op.where(op.greater(x, 0), 1, op.mul(x, 0)), [2], [1, -1]),
      [0, 0],
    );
    // A comparison has no derivative, and needs no rule.
    assert.deepEqual(
      await gradientOf(
        (x) => op.where(op.greater(x, 0), x.graph.constant(tensor('float64', [], [2])), 3),
        [2],
        [1, -1],
      ),
      [0, 0],
    );
  });

  test('differentiates towards a value between the inputs and the loss, and towards the loss itself', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float64', [2]);
    const between = op.mul(x, 3);
    const loss = op.reduceSum(op.mul(between, between), [0]);
    const gradients = grad(loss, [between, loss]);
    graph.output('between', gradients[0]);
    graph.output('loss', gradients[1]);
    const results = await runGraph(graph, { x: tensor('float64', [2], [1, -2]) });
    assert.deepEqual(toNumbers(results.between), [6, -12]);
    assert.deepEqual(toNumbers(results.loss), [1]);
  });

  test('computes no gradient that nobody asked for', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4, 3]);
    const weight = graph.input('weight', 'float32', [2, 3]);
    const [gradient] = grad(op.reduceSum(op.linear(x, weight), [0, 1]), [weight]);
    graph.output('gradient', gradient);
    // Towards the weight alone: gᵀ x, without g W.
    assert.deepEqual(
      live(graph)
        .nodes.filter(({ opType }) => opType === 'MatMul')
        .map(({ outputs }) => outputs[0].shape),
      [[2, 3]],
    );
    assert.equal(graph.nodes.filter(({ opType }) => opType === 'MatMul').length, 1);
  });

  test('accepts a loss of any shape that holds one element', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float64', [2]);
    const loss = op.reduceSum(op.mul(x, x), [0], true);
    const [gradient] = grad(op.reshape(loss, [1, 1]), [x]);
    graph.output('gradient', gradient);
    const results = await runGraph(graph, { x: tensor('float64', [2], [3, 4]) });
    assert.deepEqual(toNumbers(results.gradient), [6, 8]);
  });

  test('says which part of the model each node of the backward pass belongs to', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const y = graph.inScope('layer1', () => op.exp(x));
    grad(op.reduceSum(y, [0]), [x]);
    assert.ok(graph.nodes.some(({ scope, opType }) => scope === 'layer1/grad' && opType === 'Mul'));
    assert.equal(graph.scope, '');
  });

  test('refuses a loss of more than one element', () => {
    const x = new Graph().input('x', 'float32', [2, 3]);
    assert.throws(() => grad(x, [x]), {
      name: 'GraphError',
      message: 'grad: the loss must be one number, not float32 [2, 3]',
    });
  });

  test('names an operator on the way that has no backward rule', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [3]);
    const [y] = graph.add('Hardmax', [x], {}, [x]);
    const [z] = graph.add('Blur', [x], {}, [x], 'tract');
    assert.throws(
      () => grad(op.reduceSum(y, [0]), [x]),
      new GraphError('grad: there is no backward rule for Hardmax'),
    );
    assert.throws(
      () => grad(op.reduceSum(z, [0]), [x]),
      new GraphError('grad: there is no backward rule for tract.Blur'),
    );
  });

  test('needs no rule for an operator that lies on no way to a wanted value', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float64', [2]);
    const [mask] = graph.add('Sign', [x], {}, [x]);
    const weight = graph.input('weight', 'float64', [2]);
    const [gradient] = grad(op.reduceSum(op.mul(mask, weight), [0]), [weight]);
    graph.output('gradient', gradient);
    const feeds = { x: tensor('float64', [2], [-3, 5]), weight: randomTensor('float64', [2]) };
    assert.deepEqual(toNumbers((await runGraph(graph, feeds)).gradient), [-1, 1]);
  });
});

describe('a gradient that cannot be given is an error:', () => {
  const sum = (value: Value): Value =>
    op.reduceSum(
      value,
      value.shape.map((_, axis) => axis),
    );
  const refuses = (build: (x: Value) => Value, message: string, shape: readonly number[] = [3]): void => {
    const x = new Graph().input('x', 'float32', shape);
    assert.throws(() => grad(sum(build(x)), [x]), new GraphError(`grad: ${message}`));
  };

  test('through a rounded number', () => {
    for (const dtype of ['int32', 'int64', 'uint8'] as const)
      refuses(
        (x) => op.add(x, op.cast(op.cast(x, dtype), 'float32')),
        `Cast has no gradient towards its input 0 (output 0 of Cast), ${dtype} [3]`,
      );
    refuses((x) => {
      const whole = op.cast(x, 'int64');
      return op.cast(op.mul(whole, whole), 'float32');
    }, 'Cast has no gradient towards its input 0 (output 0 of Mul), int64 [3]');
  });

  test('through a position', () => {
    refuses(
      (x) => op.cast(op.argMax(x, 0), 'float32'),
      'Cast has no gradient towards its input 0 (output 0 of ArgMax), int64 []',
    );
    const pooling: op.PoolingGeometry = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] };
    refuses(
      (x) => op.cast(op.maxPool(x, pooling).indices, 'float32'),
      'Cast has no gradient towards its input 0 (output 1 of MaxPool), int64 [1, 1, 1, 1]',
      [1, 1, 2, 2],
    );
  });

  test('of a result that the rule does not know', () => {
    refuses(
      (x) => x.graph.add('Softmax', [x], { axis: int(0) }, [x, x])[1],
      'Softmax passes on no gradient of its output 1, float32 [3]',
    );
  });

  test('towards an input that the rule does not know', () => {
    refuses(
      (x) => x.graph.add('Exp', [op.identity(x), x], {}, [x])[0],
      'Exp has no gradient towards its input 1, float32 [3]',
    );
  });

  test('of an operator in a form that its rule would get wrong', () => {
    // A result that no such operator has.
    refuses(
      (x) => x.graph.add('Neg', [x], {}, [{ dtype: x.dtype, shape: [2, 1] }])[0],
      'the backward rule for Neg gives float32 [2, 1] for its input 0, float32 [2, 3]',
      [2, 3],
    );
  });

  test('towards or of what is not floating-point', () => {
    const graph = new Graph();
    const [x, labels] = [graph.input('x', 'float32', [2]), graph.input('labels', 'int32', [2])];
    assert.throws(
      () => grad(sum(x), [x, labels]),
      new GraphError('grad: there is no gradient towards "labels", int32 [2]: it is not floating-point'),
    );
    assert.throws(
      () => grad(sum(labels), [x]),
      new GraphError('grad: the loss must be floating-point, not int32 []'),
    );
  });

  test('towards a value of another graph', () => {
    const x = new Graph().input('x', 'float32', []);
    const other = new Graph().input('other', 'float32', []);
    assert.throws(
      () => grad(x, [other]),
      new GraphError('grad: "other" belongs to another graph than the loss'),
    );
  });
});

describe('the gradient of every result arrives:', () => {
  test('of the mean of batch norm, a share of each element', async () => {
    const mean = (x: Value): Value => {
      const one = x.graph.constant(tensor('float64', [1], [1]));
      return op.batchNormTraining(x, one, one).mean;
    };
    assert.deepEqual(await gradientOf(mean, [4, 1], [3, -1, 5, 7]), [0.25, 0.25, 0.25, 0.25]);
  });

  test('of the variance of batch norm, twice the distance from the mean', async () => {
    const variance = (x: Value): Value => {
      const one = x.graph.constant(tensor('float64', [1], [1]));
      return op.batchNormTraining(x, one, one).variance;
    };
    assert.deepEqual(await gradientOf(variance, [4, 1], [3, -1, 5, 9]), [-0.5, -2.5, 0.5, 2.5]);
  });

  test('and a result that nobody uses adds nothing', () => {
    const graph = new Graph();
    const [x, scale] = [graph.input('x', 'float32', [4, 2]), graph.input('scale', 'float32', [2])];
    const { y } = op.batchNormTraining(x, scale, scale);
    const [gradient] = grad(op.reduceSum(y, [0, 1]), [x]);
    assert.equal(gradient.producer?.opType, 'BatchNormTrainingGrad');
  });
});

describe('Pow', () => {
  test('has the gradient of each of several exponents', async () => {
    const power = (x: Value): Value => op.pow(x, x.graph.constant(tensor('float64', [2], [2, 3])));
    assert.deepEqual(await gradientOf(power, [2], [2, 2]), [4, 12]);
  });

  test('has those of PyTorch towards base and exponent, at zero and below it too', async () => {
    const [bases, exponents] = [
      [-2, -1, 0, 0.5, 1, 2],
      [-2, -1, -0.5, 0, 0.5, 1, 2, 3],
    ];
    const pairs = bases.flatMap((a) => exponents.map((b) => [a, b]));
    const graph = new Graph();
    const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float64', [pairs.length]));
    grad(op.reduceSum(op.pow(a, b), [0]), [a, b]).forEach((gradient, i) => {
      graph.output(`gradient${i}`, gradient);
    });
    const [feedA, feedB] = [0, 1].map((i) =>
      tensor(
        'float64',
        [pairs.length],
        pairs.map((pair) => pair[i]),
      ),
    );
    const results = await runGraph(graph, { a: feedA, b: feedB });
    const [byBase, byExponent] = [toNumbers(results.gradient0), toNumbers(results.gradient1)];
    for (const [i, [base, exponent]] of pairs.entries()) {
      const atZero = exponent < 0 ? -Infinity : 0;
      const expected = [
        exponent === 0 ? 0 : exponent * base ** (exponent - 1),
        base === 0 ? atZero : base ** exponent * Math.log(base),
      ];
      for (const [k, gradient] of [byBase[i], byExponent[i]].entries()) {
        const near = Object.is(gradient + 0, expected[k] + 0) || Math.abs(gradient - expected[k]) < 1e-12;
        assert.ok(near, `${base} ** ${exponent}, operand ${k}: ${gradient}, not ${expected[k]}`);
      }
    }
  });
});

describe('at the kinks', () => {
  test('Abs passes nothing at zero', async () => {
    assert.deepEqual(await gradientOf(op.abs, [3], [-2, 0, 2]), [-1, 0, 1]);
  });

  test('ReduceMax shares the gradient among the greatest', async () => {
    assert.deepEqual(
      await gradientOf((x) => op.reduceMax(x, [1]), [2, 4], [1, 5, 5, 0, 7, 7, 7, 7]),
      [0, 0.5, 0.5, 0, 0.25, 0.25, 0.25, 0.25],
    );
  });

  test('ScatterElements shares the gradient of a greatest element among all that are it', async () => {
    const graph = new Graph();
    const [x, updates] = [graph.input('x', 'float32', [2]), graph.input('updates', 'float32', [3])];
    const y = op.scatterElements(x, op.int64s(graph, [0, 0, 1]), updates, { reduction: 'max' });
    grad(op.reduceSum(op.mul(y, 6), [0]), [x, updates]).forEach((gradient, i) => {
      graph.output(`gradient${i}`, gradient);
    });
    const results = await runGraph(graph, {
      x: tensor('float32', [2], [1, 3]),
      updates: tensor('float32', [3], [1, 1, 2]),
    });
    assert.deepEqual(toNumbers(results.gradient0), [2, 6]);
    assert.deepEqual(toNumbers(results.gradient1), [2, 2, 0]);
  });

  test('Relu passes nothing at zero', async () => {
    assert.deepEqual(await gradientOf(op.relu, [3], [-1, 0, 1]), [0, 0, 1]);
  });

  test('Where gives a not-chosen branch zero, even if its value is not finite', async () => {
    const gradient = await gradientOf(
      (x) => op.where(op.greater(x, 0), x, x.graph.constant(tensor('float64', [], [NaN]))),
      [2],
      [1, -1],
    );
    assert.deepEqual(gradient, [1, 0]);
  });

  test('MaxPool gives a tie to its first element', async () => {
    const pool = (x: Value): Value =>
      op.maxPool(x, { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] }).values;
    assert.deepEqual(
      await gradientOf(pool, [1, 1, 2, 6], [1, 1, 0, 7, 2, 3, 1, 1, 7, 7, 3, 3]),
      [1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0],
    );
  });

  test('MaxPool hands out all of the gradient, however windows overlap and tie', async () => {
    const options: op.PoolingGeometry = { kernel: [3, 3], stride: [2, 1], padding: [1, 1, 0, 2] };
    const pool = (x: Value): Value => op.maxPool(x, options).values;
    const [height, width] = op.outputSize([5, 6], options.kernel, op.geometry(options));
    // Few different values, so that most windows tie; all negative, so that padding with zeros would win.
    const elements = Array.from({ length: 2 * 5 * 6 }, (_, i) => -1 - ((i * 7) % 3));
    const gradient = await gradientOf(pool, [1, 2, 5, 6], elements);
    assert.equal(
      gradient.reduce((sum, value) => sum + value),
      2 * height * width,
    );
  });
});

test('batch norm in training differentiates through its mean and variance', async () => {
  // Scaling and shifting the batch changes nothing, so the gradient along either direction is zero.
  const graph = new Graph();
  const x = graph.input('x', 'float64', [4, 2, 3]);
  const scale = graph.constant(tensor('float64', [2], [1.5, -2]));
  const bias = graph.constant(tensor('float64', [2], [0.25, 3]));
  const { y } = op.batchNormTraining(x, scale, bias, 1e-12);
  const weights = graph.constant(randomTensor('float64', [4, 2, 3], 1));
  const [gradient] = grad(op.reduceSum(op.mul(y, weights), [0, 1, 2]), [x]);
  graph.output('gradient', gradient);
  graph.output('shift', op.reduceSum(gradient, [0, 2]));
  graph.output('scale', op.reduceSum(op.mul(gradient, x), [0, 2]));
  const results = await runGraph(graph, { x: randomTensor('float64', [4, 2, 3], 2) });
  assert.ok(toNumbers(results.gradient).some((value) => Math.abs(value) > 0.1));
  for (const value of [...toNumbers(results.shift), ...toNumbers(results.scale)]) {
    assert.ok(Math.abs(value) < 1e-8, `${value} is not zero`);
  }
});
