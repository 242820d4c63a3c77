/** What is not trained stays as it is, running statistics too. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import { modelFromOnnx } from '../models/file-model.js';
import { resnet18 } from '../models/resnet.js';
import type { Model } from '../nn/model.js';
import type { ParameterGroups } from '../optim/model-groups.js';
import { sgd } from '../optim/sgd.js';
import { assertWithin } from '../testing/distance.js';
import { toNumbers } from '../tensor/tensor.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 32, test: 8 });

const allButHead: ParameterGroups = [{ parameters: ({ kinds }) => !kinds.has('head'), trainable: false }];

const create = (model: Model, groups: ParameterGroups, shards = 1): Promise<Trainer> =>
  Trainer.create(model, {
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 16,
    threads: 1,
    groups,
    shards,
  });

/** The names of the weights that two steps change. */
async function changed(model: Model, groups: ParameterGroups): Promise<string[]> {
  const trainer = await create(model, groups);
  const before = await trainer.weights();
  await trainer.fit(dataset, { epochs: 1 });
  const after = await trainer.weights();
  await trainer.release();
  return Object.keys(after).filter(
    (name) => Buffer.compare(Buffer.from(bytes(before[name])), Buffer.from(bytes(after[name]))) !== 0,
  );
}

const bytes = ({ data }: { data: ArrayBufferView }): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

describe('batch norm', () => {
  it('all of whose parameters are frozen keeps its running statistics, and what is before it is trained', async () => {
    const model = resnet18({ width: 4 });
    assert.deepEqual(await changed(model, allButHead), ['fc.weight', 'fc.bias']);
    const others = await changed(model, [{ parameters: ['bn1', 'layer1.0.bn1.weight'], trainable: false }]);
    assert.ok(!others.some((name) => name.startsWith('bn1.')));
    for (const name of ['conv1.weight', 'layer1.0.bn1.bias', 'layer1.0.bn1.running_mean'])
      assert.ok(others.includes(name), name);
  });

  it('of a file does so too', async () => {
    const file = readFileSync(
      new URL('../../src/models/fixtures/resnet.torchscript.training.onnx', import.meta.url),
    );
    const model = modelFromOnnx(file, { classes: 10 });
    assert.deepEqual(await changed(model, allButHead), ['fc.weight', 'fc.bias']);
    assert.ok((await changed(model, [])).includes('layer2.downsample.1.running_var'));
  });

  it('that is frozen makes steps of shards those of whole batches, but for rounding', async () => {
    const groups: ParameterGroups = [{ parameters: 'norm', trainable: false }];
    const [whole, cut] = [
      await create(resnet18({ width: 4 }), groups),
      await create(resnet18({ width: 4 }), groups, 4),
    ];
    for (const trainer of [whole, cut]) await trainer.fit(dataset, { epochs: 1 });
    const [wanted, found] = [await whole.weights(), await cut.weights()];
    for (const name of Object.keys(wanted))
      assertWithin(toNumbers(found[name]), toNumbers(wanted[name]), 1e-4, name);
    for (const trainer of [whole, cut]) await trainer.release();
  });
});
