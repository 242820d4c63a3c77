import assert from 'node:assert/strict';
import { test } from 'node:test';
import { float, int } from '../graph/attributes.js';
import { Graph, type Value, operatorName } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { withoutGradient } from './differentiable.js';
import { grad } from './grad.js';

function refusals(build: (x: Value) => Value): [string, string][] {
  const x = new Graph().input('x', 'float32', [4]);
  return withoutGradient([build(x)], [x]).map(({ node, reason }) => [operatorName(node), reason]);
}

test('everything that a gradient does not pass is found at once, in order', () => {
  const build = (x: Value): Value => {
    const { graph } = x;
    const [unknown] = graph.add('Unknown', [x], {}, [x]);
    const [form] = graph.add('Softmax', [op.exp(unknown)], { axis: float(0) }, [x]);
    const [input] = graph.add('Exp', [form, form], {}, [x]);
    return op.add(input, op.cast(op.cast(x, 'int32'), 'float32'));
  };
  assert.deepEqual(refusals(build), [
    ['Unknown', 'it has no gradient'],
    ['Softmax', 'the backward rule for Softmax does not cover the attribute axis = 0'],
    ['Exp', 'Exp has no gradient towards its input 1 (output 0 of Softmax), float32 [4]'],
    ['Cast', 'Cast has no gradient towards its input 0 (output 0 of Cast), int32 [4]'],
  ]);
});

test('what chooses is in nobody’s way, nor is what leads nowhere', () => {
  const build = (x: Value): Value => {
    x.graph.add('Unknown', [x], { a: int(1) }, [x]);
    const chosen = op.gatherElements(op.exp(x), op.topK(x, 2).indices);
    return op.add(op.gather(x, op.argMax(x, 0)), op.reduceSum(chosen, [0]));
  };
  assert.deepEqual(refusals(build), []);
  const x = new Graph().input('x', 'float32', [4]);
  assert.doesNotThrow(() => grad(build(x), [x]));
});
