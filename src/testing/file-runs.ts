/** What a foreign file computes by ONNX Runtime, and what the model made of it computes. */
import { compile } from '../engine/compile.js';
import { Program } from '../engine/session.js';
import { Graph } from '../graph/graph.js';
import { stateName } from '../graph/state-names.js';
import type { Model, TracedModel } from '../nn/model.js';
import { trace } from '../nn/model.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';

/** Random numbers from a normal distribution. */
export function normalTensor(shape: readonly number[], seed = 0, deviation = 1): Tensor<'float32'> {
  const random = Random.fromSeed(seed, 'test');
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => random.normal(0, deviation)),
  );
}

/** The output of a file, by ONNX Runtime. */
export async function runFile(bytes: Uint8Array, feeds: Readonly<Record<string, Tensor>>, output: string) {
  const program = await Program.load(bytes, { provider: 'cpu', threads: 1 });
  const results = await program.run(feeds);
  await program.release();
  return results[output];
}

/** The parameters and buffers that a traced model begins with. */
export function initialState({ parameters, buffers }: TracedModel): Record<string, Tensor> {
  return Object.fromEntries(
    [...parameters, ...buffers].map(([name, { value, initializer }]) => {
      if (typeof initializer !== 'function') throw new Error(`${name} needs images`);
      return [
        stateName(name),
        tensor('float32', value.shape, initializer(value.shape, Random.fromSeed(0, name))),
      ];
    }),
  );
}

/** The logits of a model with the weights that it begins with. */
export async function runModel(model: Model, images: Tensor, training = false): Promise<Tensor> {
  const graph = new Graph();
  const x = graph.input('images', 'float32', images.shape);
  const traced = trace(model, x, { training });
  graph.output('logits', traced.logits);
  const program = await compile(graph, { threads: 1 });
  const { logits } = await program.run({ images, ...initialState(traced) });
  await program.release();
  return logits;
}
