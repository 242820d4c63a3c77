import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphError } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { customModel } from '../testing/models.js';
import { linear } from './layers.js';
import { type Model, traceAlone } from './model.js';

/** A model that declares three classes and gives `features` of what it was asked for. */
const model = (features: number): Model =>
  customModel((scope, images) =>
    linear(scope.child('head'), op.reshape(images, [images.shape[0], -1]), features),
  );

test('a model gives the logits that it declares', () => {
  assert.deepEqual(traceAlone(model(3), 5, true).logits.shape, [5, 3]);
  for (const training of [true, false]) {
    assert.throws(
      () => traceAlone(model(7), 5, training),
      new GraphError(
        'custom: its forward pass gives float32 [5, 7], but logits of 3 classes are float32 [5, 3]',
      ),
    );
  }
  const spatial = customModel((_, images) => images);
  assert.throws(() => traceAlone(spatial, 5, false), /gives float32 \[5, 2, 8, 8\]/);
  const double = customModel((scope, images) => op.cast(model(3).forward(scope, images), 'float64'));
  assert.throws(() => traceAlone(double, 5, false), /gives float64 \[5, 3\]/);
});
