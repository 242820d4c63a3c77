import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Graph, type Node } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { pytorchDefault } from '../nn/init.js';
import type { Parameter } from '../nn/scope.js';
import { FirstLayerError, namedLayer } from './first-layer.js';

/** A chain of linear layers, and how often the nodes' inputs were looked at. */
function chain(depth: number): {
  nodes: Node[];
  parameters: Map<string, Parameter>;
  looks: () => number;
} {
  const graph = new Graph();
  const parameters = new Map<string, Parameter>();
  let value = graph.input('image', 'float32', [1, 2]);
  for (let i = 0; i < depth; i++) {
    const weight = graph.input(`layers.${i}.weight`, 'float32', [2, 2]);
    parameters.set(weight.name, { value: weight, initializer: pytorchDefault });
    value = op.linear(value, weight);
  }
  let looks = 0;
  const nodes = graph.nodes.map((node) => ({
    ...node,
    get inputs() {
      looks++;
      return node.inputs;
    },
  }));
  return { nodes, parameters, looks: () => looks };
}

test('the work grows with the depth of a model, not with its square', () => {
  const { nodes, parameters, looks } = chain(1000);
  assert.equal(namedLayer('layers.7', nodes, parameters).weightName, 'layers.7.weight');
  assert.ok(looks() <= 3 * nodes.length, `${looks()} looks at ${nodes.length} nodes`);
});

test('a message names the first hundred layers', () => {
  const { nodes, parameters } = chain(1000);
  assert.throws(
    () => namedLayer('conv1', nodes, parameters),
    (error) =>
      error instanceof FirstLayerError &&
      /; there are layers\.0, .*, layers\.99 and 900 more$/.test(error.message),
  );
});

test('a node that uses a weight twice is one user', () => {
  const graph = new Graph();
  const weight = graph.input('square.weight', 'float32', [2, 2]);
  op.linear(weight, weight);
  const parameters = new Map([['square.weight', { value: weight, initializer: pytorchDefault }]]);
  assert.equal(namedLayer('square', graph.nodes, parameters).layer, 'square');
});
