import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type Shape, tensor, toNumbers } from '../tensor/tensor.js';
import { runGraph } from '../testing/run.js';
import { type Attributes, float, int, ints } from './attributes.js';
import { Graph, type Value, describe as describeValues } from './graph.js';
import { live } from './live.js';
import * as op from './ops.js';

const scalar = (graph: Graph, value: number): Value => graph.constant(tensor('float32', [], [value]));

describe('adding a node', () => {
  test('that is there already gives the existing one', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    assert.equal(op.exp(x), op.exp(x));
    assert.equal(op.reduceSum(x, [0]), op.reduceSum(x, [-2]));
    assert.equal(graph.nodes.length, 2);
  });

  test('that differs in operator, domain, inputs, attributes or type adds another', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 2]);
    const y = graph.input('y', 'float32', [2, 2]);
    const different = [
      op.sub(x, y),
      op.sub(y, x),
      op.add(x, y),
      op.softmax(x, 0),
      op.softmax(x, 1),
      graph.add('Sub', [x, y], {}, [x], 'other')[0],
      op.cast(x, 'float64'),
      op.cast(x, 'int32'),
      graph.add('Clip', [x, null, y], {}, [x])[0],
      graph.add('Clip', [x, y, null], {}, [x])[0],
    ];
    assert.equal(new Set(different).size, different.length);
    assert.equal(graph.nodes.length, different.length);
  });

  test('gives one value for two nodes exactly if they are equal', () => {
    const node = fc.record(
      {
        opType: fc.constantFrom('Add', 'Sub', 'Add,Sub'),
        domain: fc.constantFrom('', 'tract'),
        inputs: fc.array(fc.constantFrom(0, 1, 2, null), { maxLength: 3 }),
        attributes: fc.dictionary(
          fc.constantFrom('a', 'b'),
          fc.oneof(
            fc.constantFrom(0, -0, 1, NaN, Infinity, -Infinity).map(float),
            fc.constantFrom(0, 1).map(int),
            fc.array(fc.constantFrom(0, -0, 1), { maxLength: 2 }).map(ints),
          ),
          { maxKeys: 2, noNullPrototype: true },
        ),
        dtype: fc.constantFrom('float32', 'float64'),
        shapes: fc.array(fc.constantFrom<Shape>([], [1], [1, 2], [12]), { minLength: 1, maxLength: 2 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(node, node, fc.boolean(), (first, other, same) => {
        const second = same ? structuredClone(first) : other;
        const graph = new Graph();
        const values = ['a', 'b', 'a,b'].map((name) => graph.input(name, 'float32', []));
        const [one, two] = [first, second].map(({ opType, domain, inputs, attributes, dtype, shapes }) =>
          graph.add(
            opType,
            inputs.map((input) => (input === null ? null : values[input])),
            attributes as Attributes,
            shapes.map((shape) => ({ dtype, shape })),
            domain,
          ),
        );
        assert.equal(one === two, isDeepStrictEqual(first, second));
      }),
      { numRuns: 1000 },
    );
  });

  test('that draws random numbers always adds another', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const flag = (value: number): Value => graph.constant(tensor('bool', [], [value]));
    const given = graph.input('training', 'bool', []);
    const drawing: [string, (Value | null)[], string?][] = [
      ['RandomNormal', []],
      ['RandomUniform', []],
      ['RandomNormalLike', [x]],
      ['RandomUniformLike', [x]],
      ['Bernoulli', [x]],
      ['Multinomial', [x]],
      ['Dropout', [x, null, flag(1)]],
      ['Dropout', [x, null, given]],
      ['BiasDropout', [x, x], 'com.microsoft'],
      ['RandomNormalLike', [x], 'ai.onnx'],
      // Of these nothing is known.
      ['Noise', [x], 'com.example'],
    ];
    for (const [opType, inputs, domain] of drawing) {
      // A seed of its own does not make two draws one.
      const draw = (): readonly Value[] => graph.add(opType, inputs, { seed: float(1) }, [x], domain);
      assert.notEqual(draw()[0], draw()[0], opType);
    }
    for (const inputs of [[x], [x, null], [x, null, null], [x, null, flag(0)]]) {
      const pass = (): readonly Value[] => graph.add('Dropout', inputs, {}, [x]);
      assert.equal(pass()[0], pass()[0], 'Dropout in inference draws nothing');
    }
  });

  test('that draws random numbers computes other numbers', async () => {
    const graph = new Graph();
    const draw = (): Value => graph.add('RandomNormal', [], { shape: ints([8]) }, [like])[0];
    const like = { dtype: 'float32', shape: [8] } as const;
    graph.output('one', draw());
    graph.output('two', draw());
    const { one, two } = await runGraph(graph);
    assert.notDeepEqual(toNumbers(one), toNumbers(two));
  });

  test('tells names with commas apart', () => {
    const graph = new Graph();
    const [ab, c, a, bc] = ['a,b', 'c', 'a', 'b,c'].map((name) => graph.input(name, 'float32', []));
    assert.notEqual(op.sub(ab, c), op.sub(a, bc));
  });

  test('belongs to the scope it is built in, and the scope ends with an error too', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', []);
    const inner = graph.inScope('layer1', () => graph.inScope('layer1.0', () => op.exp(x)));
    assert.equal(inner.producer?.scope, 'layer1.0');
    assert.match(inner.name, /^layer1\.0\/Exp_\d+$/);
    assert.throws(() =>
      graph.inScope('layer2', () => {
        throw new Error('no');
      }),
    );
    assert.equal(op.log(x).producer?.scope, '');
  });

  test('with an input of another graph is refused', () => {
    const x = new Graph().input('x', 'float32', []);
    const other = new Graph().input('other', 'float32', []);
    assert.throws(() => op.add(x, other), {
      name: 'GraphError',
      message: 'Add: the input "other" belongs to another graph',
    });
  });

  test('with an impossible shape is refused', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    for (const shape of [[0], [-1], [1.5], [NaN], [Infinity]]) {
      const message = `every dimension must be a positive whole number, not [${shape.join()}]`;
      const add = (): unknown => graph.add('Mystery', [x], {}, [{ dtype: 'float32', shape }]);
      assert.throws(add, { name: 'GraphError', message: `Mystery: ${message}` });
      const input = (): unknown => graph.input('y', 'float32', shape);
      assert.throws(input, { name: 'GraphError', message: `input y: ${message}` });
    }
    assert.throws(() => graph.input('y', 'float32', [2 ** 30, 2 ** 30]), {
      name: 'GraphError',
      message: `input y: [${2 ** 30}, ${2 ** 30}] is too large`,
    });
    assert.equal(graph.nodes.length, 0);
  });
});

describe('constants', () => {
  test('of the same few elements are one value', () => {
    const graph = new Graph();
    assert.equal(scalar(graph, 2), scalar(graph, 2));
    assert.notEqual(scalar(graph, 2), scalar(graph, 3));
  });

  test('that differ in type, shape or the sign of zero are not', () => {
    const graph = new Graph();
    const different = [
      graph.constant(tensor('float32', [2], [0, 1])),
      graph.constant(tensor('float32', [2], [-0, 1])),
      graph.constant(tensor('float32', [2, 1], [0, 1])),
      graph.constant(tensor('float64', [2], [0, 1])),
      graph.constant(tensor('int64', [2], [0, 1])),
    ];
    assert.equal(new Set(different).size, different.length);
  });

  test('are one exactly if their elements are the same bits', () => {
    // No denormals: where a session was made, a thread counts them as zero.
    const element = fc.constantFrom(0, -0, 1, NaN, Infinity, -Infinity, 2e-38, 0.1);
    const constant = fc.tuple(fc.constantFrom('float32', 'float64'), fc.array(element, { maxLength: 3 }));
    fc.assert(
      fc.property(constant, constant, (first, second) => {
        const graph = new Graph();
        const [one, two] = [first, second].map(([dtype, elements]) =>
          graph.constant(tensor(dtype, [elements.length], elements)),
        );
        assert.equal(one === two, isDeepStrictEqual(first, second));
      }),
    );
  });

  test('of many elements are not compared', () => {
    const graph = new Graph();
    const large = tensor(
      'float32',
      [65],
      Array.from({ length: 65 }, () => 0),
    );
    assert.notEqual(graph.constant(large), graph.constant(large));
  });
});

describe('names', () => {
  test('of inputs and outputs are taken once', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', []);
    graph.output('y', x);
    const taken = (name: string) => ({
      name: 'GraphError',
      message: `the graph has a value or an output named "${name}" already`,
    });
    assert.throws(() => graph.input('x', 'float32', []), taken('x'));
    assert.throws(() => graph.input('y', 'float32', []), taken('y'));
    assert.throws(() => {
      graph.output('y', x);
    }, taken('y'));
    assert.throws(() => {
      graph.output('x', x);
    }, taken('x'));
  });

  test('that a caller chose are not given to other values', async () => {
    const graph = new Graph(['later']);
    const names = ['constant_0', 'constant_1', 'Add_1', 'Add_2', 'Add_3'];
    const inputs = names.map((name) => graph.input(name, 'float32', []));
    let sum = scalar(graph, 1);
    for (const input of inputs) sum = op.add(sum, input);
    graph.output('Exp_0', op.exp(sum));
    graph.output('later', sum);
    const values = [...inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)].map(({ name }) => name);
    assert.equal(new Set([...values, ...graph.outputs.keys()]).size, values.length + graph.outputs.size);
    const feeds = Object.fromEntries(names.map((name) => [name, tensor('float32', [], [2])]));
    assert.equal((await runGraph(graph, feeds)).later.data[0], 11);
  });

  test('of outputs hold in the lowered graph as well, where values are numbered anew', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    // Dead, so that the lowered graph numbers from the exponential on.
    op.neg(x);
    const y = op.log(op.exp(x));
    graph.output('Exp_0', y);
    graph.output('Log_1', x);
    assert.equal(y.name, 'Log_2');
    const results = await runGraph(graph, { x: tensor('float32', [2], [0, 0]) });
    assert.deepEqual(Object.keys(results), ['Exp_0', 'Log_1']);
  });
});

test('an output of another graph is refused', () => {
  const x = new Graph().input('x', 'float32', []);
  assert.throws(
    () => {
      new Graph().output('y', x);
    },
    { name: 'GraphError', message: 'output "y" belongs to another graph' },
  );
});

test('what no output needs is dead', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const kept = op.add(op.exp(x), 2);
  op.mul(op.log(x), 3);
  op.neg(kept);
  graph.output('y', kept);
  const { nodes, constants } = live(graph);
  assert.deepEqual(
    nodes.map(({ opType }) => opType),
    ['Exp', 'Add'],
  );
  assert.deepEqual(
    constants.map(({ constant }) => constant?.data[0]),
    [2],
  );
});

test('values are described by type and shape', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [128, 64]);
  const y = graph.input('y', 'int64', []);
  assert.equal(describeValues(x, y), 'float32 [128, 64] and int64 []');
});
