/** Ten steps of an optimizer in a graph. */
import assert from 'node:assert/strict';
import { Graph } from '../graph/graph.js';
import type { Optimizer } from '../optim/optimizer.js';
import { type Shape, type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { runGraph } from './run.js';

/** A parameter, and what it meets in each step, counted from 1. */
export interface Run {
  readonly start: readonly number[];
  /** Default: a vector. */
  readonly shape?: Shape;
  readonly rate: (step: number) => number;
  readonly gradient: (step: number) => readonly number[];
}

/** The parameter after ten steps of the update rule in a graph. */
export async function tenSteps(
  optimizer: Optimizer,
  { start, shape = [start.length], rate, gradient }: Run,
): Promise<number[]> {
  const graph = new Graph();
  const parameter = graph.input('parameter', 'float32', shape);
  const slots = optimizer.slots.map(({ name }) => graph.input(name, 'float32', shape));
  const next = optimizer.update(parameter, graph.input('gradient', 'float32', shape), slots, {
    learningRate: graph.input('learning_rate', 'float32', []),
    step: graph.input('step', 'float64', []),
  });
  graph.output('next parameter', next.parameter);
  assert.equal(next.slots.length, optimizer.slots.length);
  optimizer.slots.forEach(({ name }, i) => {
    graph.output(`next ${name}`, next.slots[i]);
  });
  let state: Record<string, Tensor> = { parameter: tensor('float32', shape, start) };
  for (const { name, initial } of optimizer.slots) {
    const values = initial === 'parameter' ? start : start.map(() => 0);
    state[name] = tensor('float32', shape, values);
  }
  for (let step = 1; step <= 10; step++) {
    const results = await runGraph(graph, {
      ...state,
      gradient: tensor('float32', shape, gradient(step)),
      learning_rate: tensor('float32', [], [rate(step)]),
      step: tensor('float64', [], [step]),
    });
    state = Object.fromEntries(Object.keys(state).map((name) => [name, results[`next ${name}`]]));
  }
  return toNumbers(state.parameter);
}
