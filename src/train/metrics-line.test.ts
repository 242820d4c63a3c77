import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetricsLine } from './metrics-line.js';

test('a line records an event with its place, or nothing', () => {
  for (const line of [
    '{"event":"step","step":1,"imagesPerSecond":20.5}',
    '{"event":"step","step":1,"epoch":1,"imagesPerSecond":null}',
    '{"event":"evaluation","step":0,"epoch":1,"testLoss":null}',
    '{"event":"epoch","step":2,"epoch":1,"metrics":{"top5":0.5}}',
  ])
    assert.deepEqual(parseMetricsLine(line), JSON.parse(line));
  for (const line of [
    '',
    '{"ev',
    'null',
    '7',
    '[]',
    '{}',
    '{"event":"toString","step":1}',
    '{"event":["step"],"step":1}',
    '{"event":"step","step":-1}',
    '{"event":"step","step":"1"}',
    '{"event":"step","step":1,"epoch":null}',
    '{"event":"epoch","step":1}',
    '{"event":"step","step":1,"imagesPerSecond":"20"}',
    // Nested so deeply that it cannot be made a text.
    `{"event":"step","step":1,"imagesPerSecond":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
  ])
    assert.equal(parseMetricsLine(line), undefined, line.slice(0, 80));
});
