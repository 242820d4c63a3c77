import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { float } from './attributes.js';
import { Graph, GraphError } from './graph.js';
import * as op from './ops.js';
import { type Rewrite, rewrite } from './rewrite.js';

function example(): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  graph.input('unused', 'float32', [1]);
  op.log(x);
  graph.output(
    'y',
    op.mul(
      graph.inScope('layer', () => op.exp(x)),
      2,
    ),
  );
  graph.output('x again', x);
  return graph;
}

const operators = (graph: Graph): string[] => graph.nodes.map(({ opType }) => opType);

describe('rewrite', () => {
  test('without rules copies what is live and leaves the graph as it was', () => {
    const graph = example();
    const copy = rewrite(graph, new Map());
    assert.deepEqual(operators(copy), ['Exp', 'Mul']);
    assert.deepEqual(operators(graph), ['Log', 'Exp', 'Mul']);
    assert.deepEqual(
      copy.inputs.map(({ name }) => name),
      ['x', 'unused'],
    );
    assert.deepEqual([...copy.outputs.keys()], ['y', 'x again']);
    assert.equal(copy.outputs.get('x again'), copy.inputs[0]);
    assert.equal(copy.nodes[0].scope, 'layer');
  });

  test('replaces operators by name, within the scope of the node', () => {
    const twice: Rewrite = ([x]) => [op.neg(op.sqrt(x!))];
    const result = rewrite(example(), new Map([['Exp', twice]]));
    assert.deepEqual(operators(result), ['Sqrt', 'Neg', 'Mul']);
    assert.deepEqual(
      result.nodes.map(({ scope }) => scope),
      ['layer', 'layer', ''],
    );
  });

  test('tells domains apart', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    graph.output('y', graph.add('Exp', [op.exp(x)], {}, [x], 'com.example')[0]);
    const result = rewrite(graph, new Map([['com.example.Exp', ([value]) => [op.neg(value!)]]]));
    assert.deepEqual(operators(result), ['Exp', 'Neg']);
  });

  test('keeps draws of random numbers apart', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    for (const name of ['one', 'two']) graph.output(name, graph.add('RandomNormalLike', [x], {}, [x])[0]);
    const copy = rewrite(graph, new Map());
    assert.deepEqual(operators(copy), ['RandomNormalLike', 'RandomNormalLike']);
    assert.notEqual(copy.outputs.get('one'), copy.outputs.get('two'));
  });

  test('keeps nodes apart whose attributes differ in a sign alone', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    for (const value of [Infinity, -Infinity, NaN, 0, -0])
      graph.output(
        Object.is(value, -0) ? '-0' : `${value}`,
        graph.add('Elu', [x], { alpha: float(value) }, [x])[0],
      );
    assert.equal(rewrite(graph, new Map()).nodes.length, 5);
  });

  test('hands on optional inputs that were left out', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    graph.output('y', graph.add('Clip', [x, null, x], {}, [x])[0]);
    assert.equal(rewrite(graph, new Map()).nodes[0].inputs[1], null);
    const rule: Rewrite = (inputs) => {
      assert.equal(inputs[1], null);
      return [op.neg(inputs[2]!)];
    };
    assert.deepEqual(operators(rewrite(graph, new Map([['Clip', rule]]))), ['Neg']);
  });

  test('refuses a rule that changes a shape or a type', () => {
    const shape: Rewrite = ([x]) => [op.matrixTranspose(x!)];
    assert.throws(
      () => rewrite(example(), new Map([['Exp', shape]])),
      new GraphError('the rewrite of Exp changed float32 [2,3] to float32 [3,2]'),
    );
    const type: Rewrite = ([x]) => [op.cast(x!, 'float64')];
    assert.throws(
      () => rewrite(example(), new Map([['Exp', type]])),
      new GraphError('the rewrite of Exp changed float32 [2,3] to float64 [2,3]'),
    );
  });

  test('refuses to leave an operator that needs a lowering', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    graph.output('y', op.linear(x, graph.input('w', 'float32', [4, 3])));
    assert.throws(() => rewrite(graph, new Map()), new GraphError('there is no lowering for tract.Linear'));
  });
});
