import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { cifarLabelBytes, cifarPictures } from './cifar.js';
import { toPng } from './png.js';

const [width, height] = [5, 3];
const planes = Uint8Array.from({ length: 3 * width * height }, (_, i) => (37 * i) % 256);

describe('PNG files of the page', () => {
  it('hold the pixels, read by another program', async () => {
    const { data, info } = await sharp(toPng(planes, width, height))
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [width, height, 3]);
    const wanted = Array.from(
      { length: planes.length },
      (_, i) => planes[(i % 3) * width * height + Math.floor(i / 3)],
    );
    assert.deepEqual([...data], wanted);
  });

  it('are made of the records of CIFAR, by which class they are of', async () => {
    const records = new Uint8Array(2 * 3073);
    records[0] = 3;
    records[3073] = 9;
    records.fill(200, 3074);
    assert.equal(cifarLabelBytes('data_batch_1.bin', records.length), 1);
    assert.equal(cifarLabelBytes('train.bin', 3074 * 7), 2);
    assert.equal(cifarLabelBytes('data_batch_1.bin', 3072), undefined);
    const [cat, truck] = [...cifarPictures('test_batch.bin', records, 1)];
    assert.deepEqual([cat.className, cat.part, truck.className], ['cat', 'test', 'truck']);
    const { data } = await sharp(truck.png).raw().toBuffer({ resolveWithObject: true });
    assert.ok(data.every((value) => value === 200));
    records[0] = 77;
    assert.throws(() => [...cifarPictures('test_batch.bin', records, 1)], /label of record 0 is 77/);
  });
});
