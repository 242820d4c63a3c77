import { describe, it } from 'node:test';
import { Graph } from '../graph/graph.js';
import { stateFeeds } from '../graph/state-names.js';
import { type Tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { randomTensor, runGraph } from '../testing/run.js';
import { selfAttention } from './attention.js';
import { Scope } from './scope.js';

/** Attention by its definition: for every image, head and query in turn. */
function byLoops(x: Tensor, heads: number, weights: Record<string, Tensor>): number[] {
  const [batch, tokens, width] = x.shape;
  const size = width / heads;
  const linear = (row: readonly number[], name: string): number[] => {
    const [weight, bias] = [toNumbers(weights[`${name}.weight`]), toNumbers(weights[`${name}.bias`])];
    return bias.map((shift, o) =>
      row.reduce((sum, value, k) => sum + value * weight[o * row.length + k], shift),
    );
  };
  const all = toNumbers(x);
  const result: number[] = [];
  for (let image = 0; image < batch; image++) {
    const joint = Array.from({ length: tokens }, (_, token) => {
      const start = (image * tokens + token) * width;
      return linear(all.slice(start, start + width), 'qkv');
    });
    for (let token = 0; token < tokens; token++) {
      const mixed: number[] = [];
      for (let head = 0; head < heads; head++) {
        const part = (row: readonly number[], kind: number): number[] => {
          const start = kind * width + head * size;
          return row.slice(start, start + size);
        };
        const query = part(joint[token], 0);
        const scores = joint.map((row) => {
          const key = part(row, 1);
          return query.reduce((sum, value, i) => sum + value * key[i], 0) / Math.sqrt(size);
        });
        const exponentials = scores.map((score) => Math.exp(score - Math.max(...scores)));
        const total = exponentials.reduce((sum, value) => sum + value, 0);
        for (let i = 0; i < size; i++) {
          mixed.push(
            joint.reduce((sum, row, other) => sum + (exponentials[other] / total) * part(row, 2)[i], 0),
          );
        }
      }
      result.push(...linear(mixed, 'proj'));
    }
  }
  return result;
}

describe('self-attention', () => {
  for (const [batch, tokens, width, heads] of [
    [2, 5, 12, 3],
    [1, 7, 8, 1],
    [3, 1, 6, 6],
  ]) {
    it(`is its definition for ${batch} x ${tokens} tokens of ${width} features and ${heads} heads`, async () => {
      const graph = new Graph();
      const scope = Scope.root(graph, { training: true });
      const x = randomTensor('float32', [batch, tokens, width], 1);
      graph.output('y', selfAttention(scope, graph.input('x', 'float32', x.shape), heads));
      const weights = Object.fromEntries(
        [...scope.parameters].map(([name, { value }], i) => [name, randomTensor('float32', value.shape, i)]),
      );
      const { y } = await runGraph(graph, { x, ...stateFeeds(weights) });
      assertWithin(toNumbers(y), byLoops(x, heads, weights), 2e-6, 'attention');
    });
  }
});
