import assert from 'node:assert/strict';
import { it } from 'node:test';
import { curvesOf, runCharts } from './run-charts.js';

it('draws a run of one step, with no label twice on an axis', async () => {
  const metrics = [
    { event: 'step', step: 1, loss: 2.412, accuracy: 0.08, learningRate: 0.16 },
    { event: 'evaluation', step: 1, testLoss: 2.402, testAccuracy: 0.1 },
  ];
  const charts = await runCharts(curvesOf(metrics.map((line) => JSON.stringify(line)).join('\n')));
  assert.equal(charts.length, 3);
  for (const { svg } of charts) {
    const labels = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    assert.ok(labels.includes('1'));
    assert.equal(new Set(labels).size, labels.length, labels.join(' '));
    assert.match(svg, /<path[^>]*"point"/);
  }
});
