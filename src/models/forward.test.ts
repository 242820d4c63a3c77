import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { ConfigValue } from '../nn/model.js';
import { stateFeeds } from '../graph/state-names.js';
import { traceAlone } from '../nn/model.js';
import { type Shape, type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';
import { runGraph } from '../testing/run.js';
import { createModel } from './registry.js';

interface ForwardCase {
  readonly model: string;
  readonly config: Readonly<Record<string, ConfigValue>>;
  /** Of two images, in evaluation mode; computed in float64. */
  readonly logits: readonly (readonly number[])[];
  /** Shapes of all parameters and running statistics. */
  readonly weights: Readonly<Record<string, Shape>>;
}

/** Made by scripts/reference/forward.py, with weights and images by the formulas below. */
const cases = JSON.parse(
  readFileSync(new URL('../../src/testing/fixtures/forward.json', import.meta.url), 'utf8'),
) as ForwardCase[];

function noise(name: string, shape: Shape): number[] {
  const start = Array.from(name).reduce((sum, character, i) => sum + (i + 1) * character.charCodeAt(0), 0);
  return Array.from(
    { length: elementCount(shape) },
    (_, i) => (2 * ((7 * i * i + 7919 * i + start) % 10007)) / 10007 - 1,
  );
}

function weight(name: string, shape: Shape): Tensor {
  const scaled = (factor: number, shift = 0): Tensor =>
    tensor(
      'float32',
      shape,
      noise(name, shape).map((value) => shift + factor * value),
    );
  if (name.endsWith('running_var')) return scaled(0.5, 1);
  if (shape.length === 1) return scaled(0.25, name.endsWith('weight') ? 0.5 : 0);
  if (name === 'cls_token' || name === 'pos_embed') return scaled(1);
  return scaled(Math.sqrt(6 / elementCount(shape.slice(1))));
}

describe('forward pass', () => {
  for (const { model: name, config, logits, weights } of cases) {
    it(`of ${name} ${JSON.stringify(config)} is PyTorch's`, async () => {
      const { graph, logits: result, parameters, buffers } = traceAlone(createModel(name, config), 2, false);
      const declared = [...parameters, ...buffers].map(([key, { value }]) => [key, value.shape] as const);
      assert.deepEqual(Object.fromEntries(declared), weights);
      graph.output('logits', result);
      const size = Number(config.imageSize);
      const feeds = Object.fromEntries(declared.map(([key, shape]) => [key, weight(key, shape)]));
      const shape = [2, 3, size, size];
      const ours = await runGraph(graph, {
        ...stateFeeds(feeds),
        images: tensor('float32', shape, noise('images', shape)),
      });
      const expected = logits.flat();
      const greatest = Math.max(...expected.map(Math.abs));
      toNumbers(ours.logits).forEach((value, i) => {
        // Written so that NaN fails.
        const near = Math.abs(value - expected[i]) <= 1e-4 * Math.min(1, greatest);
        assert.ok(near, `logit ${i} is ${value}, not ${expected[i]}`);
      });
    });
  }
});
