import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { randomTensor } from '../testing/run.js';
import { nextName, stateName } from '../graph/state-names.js';
import { StateStore } from './state-store.js';
import { type StepRunner, fusedStep } from './step-runner.js';

const scalar = (value: number): Tensor => tensor('float32', [], [value]);
const vector = (...values: number[]): Tensor => tensor('float32', [values.length], values);

/** A step, and the state it is made on. */
class Stepper {
  readonly #runner: StepRunner;
  readonly store: StateStore;

  private constructor(runner: StepRunner, store: StateStore) {
    this.#runner = runner;
    this.store = store;
  }

  static async create(graph: Graph, changing: Record<string, Tensor>, fixed = {}): Promise<Stepper> {
    return new Stepper(await fusedStep(graph, { threads: 1 }), new StateStore(changing, fixed));
  }

  step(inputs: Record<string, Tensor>): Promise<Readonly<Record<string, Tensor>>> {
    return this.#runner.step(this.store, inputs);
  }
}

const input = (graph: Graph, name: string, ...shape: number[]): Value =>
  graph.input(stateName(name), 'float32', shape);

/** total += x and count += 1; the result is the sum of the new total. */
async function counter(): Promise<Stepper> {
  const graph = new Graph();
  const total = input(graph, 'total', 2);
  const count = graph.input(stateName('count'), 'int64', []);
  const x = graph.input('x', 'float32', [2]);
  const next = op.add(total, x);
  graph.output(nextName('total'), next);
  graph.output(nextName('count'), op.add(count, 1));
  graph.output('sum', op.reduceSum(next, [0]));
  return Stepper.create(graph, { total: vector(10, 20), count: tensor('int64', [], [0]) });
}

async function stateOf({ store }: Stepper): Promise<Record<string, number[]>> {
  return Object.fromEntries(
    Object.entries(await store.read()).map(([name, value]) => [name, toNumbers(value)]),
  );
}

describe('a state', () => {
  test('carries the state from step to step', async () => {
    const stepper = await counter();
    assert.deepEqual(await stateOf(stepper), { total: [10, 20], count: [0] });
    for (let step = 1; step <= 5; step++) {
      const { sum } = await stepper.step({ x: vector(1, step) });
      const total = [10 + step, 20 + (step * (step + 1)) / 2];
      assert.deepEqual(await stateOf(stepper), { total, count: [step] });
      assert.deepEqual(toNumbers(sum), [total[0] + total[1]]);
    }
  });

  test('is read as a copy, which later steps do not change', async () => {
    const stepper = await counter();
    const first = await stepper.store.read();
    await stepper.step({ x: vector(1, 1) });
    await stepper.step({ x: vector(1, 1) });
    assert.deepEqual(toNumbers(first.total), [10, 20]);
    assert.deepEqual(Object.keys(await stepper.store.read(['count'])), ['count']);
    await assert.rejects(stepper.store.read(['totl']), { message: 'the state has no tensor "totl"' });
  });

  test('takes one step back', async () => {
    const stepper = await counter();
    stepper.store.undo();
    assert.deepEqual(await stateOf(stepper), { total: [10, 20], count: [0] });
    await stepper.step({ x: vector(1, 1) });
    stepper.store.undo();
    assert.deepEqual(await stateOf(stepper), { total: [10, 20], count: [0] });
    await stepper.step({ x: vector(2, 2) });
    assert.deepEqual(await stateOf(stepper), { total: [12, 22], count: [1] });
  });

  test('has tensors that no step changes', async () => {
    const graph = new Graph();
    const x = input(graph, 'x', 1);
    graph.output(nextName('x'), op.mul(x, input(graph, 'factor', 1)));
    const stepper = await Stepper.create(graph, { x: vector(1) }, { factor: vector(3) });
    for (let step = 0; step < 3; step++) await stepper.step({});
    assert.deepEqual(await stateOf(stepper), { x: [27], factor: [3] });
    stepper.store.write({ factor: vector(2) });
    await stepper.step({});
    assert.deepEqual(await stateOf(stepper), { x: [54], factor: [2] });
  });

  test('overwrites the results of the step before', async () => {
    const stepper = await counter();
    const { sum } = await stepper.step({ x: vector(0, 0) });
    assert.deepEqual(toNumbers(sum), [30]);
    const again = await stepper.step({ x: vector(1, 0) });
    assert.equal(again.sum, sum);
    assert.deepEqual(toNumbers(sum), [31]);
  });

  test('copies the initial state', async () => {
    const graph = new Graph();
    const x = input(graph, 'x', 1);
    graph.output(nextName('x'), op.mul(x, 2));
    const initial = { x: vector(3) };
    const stepper = await Stepper.create(graph, initial);
    (initial.x.data as Float32Array)[0] = 100;
    for (let step = 0; step < 2; step++) await stepper.step({});
    assert.deepEqual(await stateOf(stepper), { x: [12] });
    assert.deepEqual(toNumbers(initial.x), [100]);
  });

  test('is given another state, or a part of one', async () => {
    const stepper = await counter();
    await stepper.step({ x: vector(1, 1) });
    const total = vector(-1, -2);
    stepper.store.write({ total });
    (total.data as Float32Array)[0] = 100;
    assert.deepEqual(await stateOf(stepper), { total: [-1, -2], count: [1] });
    await stepper.step({ x: vector(1, 1) });
    assert.deepEqual(await stateOf(stepper), { total: [0, -1], count: [2] });
    stepper.store.write({ count: tensor('int64', [], [40]) });
    await stepper.step({ x: vector(1, 1) });
    assert.deepEqual(await stateOf(stepper), { total: [1, 0], count: [41] });
  });

  test('refuses a state that does not fit, and keeps all of its own', async () => {
    const stepper = await counter();
    const good = tensor('int64', [], [7]);
    const wrong: [Record<string, Tensor>, string][] = [
      [{ totl: vector(1, 2) }, 'the state has no tensor "totl"'],
      [{ constructor: vector(1, 2) }, 'the state has no tensor "constructor"'],
      [{ total: vector(1) }, `the state's "total" is float32 [2], not float32 [1]`],
      [{ total: vector(1, 2, 3) }, `the state's "total" is float32 [2], not float32 [3]`],
      [{ total: tensor('float64', [2], [1, 2]) }, `the state's "total" is float32 [2], not float64 [2]`],
      [{ count: scalar(1) }, `the state's "count" is int64 [], not float32 []`],
    ];
    for (const [state, message] of wrong) {
      assert.throws(
        () => {
          stepper.store.write({ count: good, ...state });
        },
        { name: 'RangeError', message },
      );
    }
    assert.deepEqual(await stateOf(stepper), { total: [10, 20], count: [0] });
  });

  test('whose step fails has the state from before, and goes on', async () => {
    const stepper = await counter();
    await stepper.step({ x: vector(1, 1) });
    const before = await stateOf(stepper);
    const wrong: Record<string, Tensor>[] = [{}, { x: vector(1, 2, 3) }, { x: tensor('int32', [2], [1, 2]) }];
    for (const inputs of wrong) {
      await assert.rejects(stepper.step(inputs));
      assert.deepEqual(await stateOf(stepper), before);
    }
    await stepper.step({ x: vector(1, 1) });
    assert.deepEqual(await stateOf(stepper), { total: [12, 22], count: [2] });
  });

  test('whose step fails within the graph has the state from before', async () => {
    const graph = new Graph();
    const x = input(graph, 'x', 2);
    const at = graph.input('at', 'int64', [1]);
    graph.output(nextName('x'), op.add(x, 1));
    // An index that is not there is found out only while the graph runs.
    const [picked] = graph.add('Gather', [op.mul(x, 2), at], {}, [{ dtype: 'float32', shape: [1] }]);
    graph.output('picked', picked);
    const stepper = await Stepper.create(graph, { x: vector(1, 2) });
    await assert.rejects(stepper.step({ at: tensor('int64', [1], [9]) }));
    assert.deepEqual(await stateOf(stepper), { x: [1, 2] });
    await stepper.step({ at: tensor('int64', [1], [1]) });
    assert.deepEqual(await stateOf(stepper), { x: [2, 3] });
  });

  test('given the same twice computes the same bits twice', async () => {
    // Large enough for ONNX Runtime to share the work among threads.
    const graph = new Graph();
    const x = graph.input('x', 'float32', [8, 3, 16, 16]);
    const weight = input(graph, 'weight', 16, 3, 3, 3);
    const z = op.conv(x, weight, null, { padding: [1, 1, 1, 1] });
    const gradient = op.convGradWeight(x, z, weight.shape, op.geometry({ padding: [1, 1, 1, 1] }));
    graph.output(nextName('weight'), op.sub(weight, op.mul(gradient, 1e-5)));
    graph.output('loss', op.reduceMean(op.mul(z, z), [0, 1, 2, 3]));
    const runner = await fusedStep(graph, { threads: 2 });
    const run = async (): Promise<unknown[]> => {
      const store = new StateStore({ weight: randomTensor('float32', weight.shape) });
      const losses: number[] = [];
      for (let step = 0; step < 3; step++) {
        const { loss } = await runner.step(store, { x: randomTensor('float32', x.shape, step) });
        losses.push(Number(loss.data[0]));
      }
      return [losses, toNumbers((await store.read()).weight)];
    };
    const first = await run();
    assert.deepEqual(await run(), first);
  });
});
