import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { type DType, tensor, toNumbers, zeros } from '../tensor/tensor.js';
import { compile, loweringFor } from './compile.js';
import { DeviceError, executionProvider, isNative } from './device.js';
import { blockSize } from './lowering/block-size.js';
import { portable } from './lowering/portable.js';
import { type Program, toRuntime } from './session.js';

function doubling(): Graph {
  const graph = new Graph();
  graph.output('y', op.mul(graph.input('x', 'float32', [2]), 2));
  return graph;
}

describe('a program', () => {
  test('runs a graph', async () => {
    const program = await compile(doubling());
    const { y } = await program.run({ x: tensor('float32', [2], [3, 4]) });
    assert.deepEqual(y, tensor('float32', [2], [6, 8]));
    // Results are new each time.
    await program.run({ x: tensor('float32', [2], [5, 5]) });
    assert.deepEqual(toNumbers(y), [6, 8]);
    await program.release();
  });

  test('writes into tensors that exist, those it is given', async () => {
    const graph = doubling();
    graph.output('z', op.neg(graph.inputs[0]));
    const program = await compile(graph);
    const [x, y] = [tensor('float32', [2], [3, 4]), zeros('float32', [2])];
    await program.runInto(toRuntime({ x }), toRuntime({ y }));
    assert.deepEqual(toNumbers(y), [6, 8]);
    await program.release();
  });

  test('takes and gives every element type', async () => {
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] satisfies DType[]) {
      const graph = new Graph();
      graph.output('y', op.identity(graph.input('x', dtype, [3])));
      const program = await compile(graph);
      const x = tensor(dtype, [3], [1, 0, 1]);
      assert.deepEqual((await program.run({ x })).y, x);
      await program.release();
    }
  });

  test('lowers for the device, or as it is told', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    graph.output('y', op.linear(x, graph.input('w', 'float32', [4, 3])));
    await assert.rejects(compile(graph, { rewrites: new Map() }), {
      name: 'GraphError',
      message: 'there is no lowering for tract.Linear',
    });
    assert.equal(await loweringFor('webgpu'), portable);
    assert.equal(await loweringFor('cuda'), portable);
    assert.equal((await loweringFor('cpu')) === portable, (await blockSize()) === undefined);
  });

  test('writes a profile when it is asked to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tract-profile-'));
    try {
      const program = await compile(doubling(), { profile: join(folder, 'step') });
      await program.run({ x: zeros('float32', [2]) });
      program.endProfiling();
      await program.release();
      const [file] = await readdir(folder);
      assert.match(await readFile(join(folder, file), 'utf8'), /"Mul|Mul_/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('of a graph that ONNX Runtime does not know fails with what it says', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    graph.output('y', graph.add('Quux', [x], {}, [x])[0]);
    for (const device of ['cpu', 'cuda'] as const) {
      await assert.rejects(compile(graph, { device }), (error: Error) => {
        // The graph is at fault, not the device.
        assert.ok(!(error instanceof DeviceError));
        assert.match(error.message, /Quux/);
        return true;
      });
    }
  });
});

describe('a device', () => {
  test('has its execution provider', () => {
    assert.ok(isNative);
    assert.equal(executionProvider('cpu'), 'cpu');
    assert.equal(executionProvider('webgpu'), 'webgpu');
    assert.equal(executionProvider('cuda'), 'cuda');
  });

  const advice = {
    cuda: /NVIDIA GPU, CUDA 12 and cuDNN 9, .*onnxruntime-node-install=cuda12.* use the device "cpu"/,
    webgpu: /a GPU with a working Vulkan .* driver; without one use the device "cpu"/,
  };
  for (const [device, how] of Object.entries(advice) as ['cuda' | 'webgpu', RegExp][]) {
    test(`${device} that is not there is refused in a sentence that says how to get it`, async (t) => {
      let program: Program;
      try {
        program = await compile(doubling(), { device });
      } catch (error) {
        assert.ok(error instanceof DeviceError);
        assert.match(error.message, new RegExp(`^the device "${device}" is not available here: `));
        assert.match(error.message, how);
        assert.match(error.message, /\(ONNX Runtime said: .+\)$/);
        assert.doesNotMatch(error.message, /\n/);
        return;
      }
      await program.release();
      t.skip(`this machine has ${device}`);
    });
  }
});
