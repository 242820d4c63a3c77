import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { resnet50 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { traceAlone } from './model.js';
import { multiplyAdds, trainingOperations } from './multiply-adds.js';

describe('multiplyAdds', () => {
  it('counts a grouped convolution', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 4, 8, 8]);
    const weight = graph.input('weight', 'float32', [6, 2, 3, 3]);
    op.conv(x, weight, null, op.geometry({ groups: 2, stride: [2, 2], padding: [1, 1, 1, 1] }));
    // 2 images, 6 channels of 4x4 positions, each over 2 channels of 3x3 taps.
    assert.equal(multiplyAdds(graph.nodes), 2 * 6 * 16 * 18);
  });

  it('counts ResNet-50 as its authors do: 4.1 thousand million for an image of 224 pixels', () => {
    const { graph } = traceAlone(resnet50({ imageSize: 224, classes: 1000 }), 1, true);
    assert.equal((multiplyAdds(graph.nodes) / 1e9).toFixed(1), '4.1');
  });

  it('counts the linear layers and both products of attention', () => {
    const [width, tokens, hidden] = [96, 65, 192];
    const { graph } = traceAlone(vit({ depth: 1 }), 2, true);
    const linear = tokens * (3 * width ** 2 + width ** 2 + 2 * width * hidden);
    const attention = 2 * tokens ** 2 * width;
    const ends = 64 * 48 * width + width * 10;
    assert.equal(multiplyAdds(graph.nodes), 2 * (linear + attention + ends));
    assert.equal(trainingOperations(graph.nodes), 6 * multiplyAdds(graph.nodes));
  });
});
