import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../random/random.js';
import striped, { type StripedParameters, stripedModule } from '../testing/striped-source.js';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { InlineLoader } from './batches.js';
import { checkSplits } from './check-dataset.js';
import { DataError } from './data-error.js';
import { type ImageDataset, limit } from './dataset.js';
import { type ImageShape, type ImageSource, type Images, imageCount, imageSize } from './image-source.js';
import type { ImageTransform } from './image-transform.js';
import type { Batch, BatchPlan } from './loader.js';
import { shapes } from './shapes.js';
import { splitValidation } from './split-validation.js';
import { pixelStatistics } from './statistics.js';
import { Subset } from './subset.js';
import { WorkerLoader } from './worker-batches.js';

const shape: ImageShape = [3, 4, 5];

/** The same images as a source of module, which a worker makes, too. */
const fromModule = (parameters: StripedParameters): ImageSource => ({
  ...striped(parameters),
  worker: { module: stripedModule, parameters },
});

/** The same images in memory. */
function inMemory(source: ImageSource): Images {
  const size = imageSize(shape);
  const images = new Uint8Array(source.count * size);
  for (let i = 0; i < source.count; i++) void source.read(i, images.subarray(i * size, (i + 1) * size));
  return { images, labels: Array.from({ length: source.count }, (_, i) => source.label(i)) };
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) {
    all.push({ ...batch, images: batch.images.slice(), labels: batch.labels.slice() });
  }
  return all;
}

const plan: BatchPlan = {
  batchSize: 8,
  shuffle: true,
  augmentation: [randomCrop({ padding: 1 }), randomHorizontalFlip()],
  last: 'drop',
  random: Random.fromSeed(5).state,
};

/** One of one's own, which draws. */
const darken: ImageTransform = {
  name: 'darken',
  config: {},
  apply: ({ data, shape: own }, random) => {
    const factor = random.uniform();
    return { data: data.map((pixel) => pixel * factor), shape: own };
  },
};

const parameters = { count: 70, classes: 1000, later: false };

describe('images of any source', { timeout: 60_000 }, () => {
  it('come in the batches of images in memory, at once or later', async () => {
    const expected = await collect(new InlineLoader(inMemory(striped(parameters)), shape).epoch(plan));
    assert.equal(expected.length, 8);
    for (const later of [false, true]) {
      const loader = new InlineLoader(striped({ ...parameters, later }), shape);
      assert.deepEqual(await collect(loader.epoch(plan)), expected);
      assert.deepEqual(await collect(loader.epoch({ ...plan, start: 5 })), expected.slice(5));
    }
  });

  it('are the same bits from 1, 2 and 3 workers, in order', async () => {
    const plans: BatchPlan[] = [
      plan,
      { ...plan, start: 7 },
      { ...plan, start: 8 },
      { batchSize: 32, shuffle: false, last: 'pad', random: plan.random },
      { ...plan, augmentation: [randomHorizontalFlip(), darken] },
    ];
    const inline = new InlineLoader(inMemory(striped(parameters)), shape);
    const sources = [
      inMemory(striped(parameters)),
      fromModule(parameters),
      fromModule({ ...parameters, later: true }),
      striped({ ...parameters, later: true }),
    ];
    for (const workers of [1, 2, 3]) {
      for (const source of sources) {
        const loader = new WorkerLoader(source, shape, { workers });
        for (const each of plans) {
          assert.deepEqual(await collect(loader.epoch(each)), await collect(inline.epoch(each)));
        }
        await loader.close();
      }
    }
  });

  it('end with the epoch that they belong to, whoever makes them', async () => {
    const loader = new WorkerLoader(fromModule(parameters), shape, { workers: 2 });
    const own = { ...plan, augmentation: [darken] };
    for (const [before, after] of [
      [plan, own],
      [own, plan],
    ]) {
      const first = loader.epoch(before)[Symbol.asyncIterator]();
      await first.next();
      const second = loader.epoch(after)[Symbol.asyncIterator]();
      await assert.rejects(async () => first.next(), /this epoch has ended/);
      assert.equal(((await second.next()).value as Batch).index, 0);
    }
    await loader.close();
    assert.throws(() => loader.epoch(plan), /closed/);
    for (const workers of [0, 1.5, 65, NaN]) {
      assert.throws(() => new WorkerLoader(fromModule(parameters), shape, { workers }), /workers must be/);
    }
  });

  it('name the image that cannot be read, wherever it is read', async () => {
    const message = new DataError('Image 11 cannot be read: the disk is gone');
    for (const later of [false, true]) {
      const broken = { ...parameters, later, broken: 11 };
      const loaders = [
        new InlineLoader(striped(broken), shape),
        new WorkerLoader(fromModule(broken), shape, { workers: 2 }),
        new WorkerLoader(striped(broken), shape),
      ];
      for (const loader of loaders) {
        const inOrder = loader.epoch({ ...plan, shuffle: false })[Symbol.asyncIterator]();
        // The batch before is good, though the next is read ahead.
        assert.equal(((await inOrder.next()).value as Batch).index, 0);
        await assert.rejects(async () => inOrder.next(), message);
        await loader.close();
      }
    }
    const labels: ImageSource = {
      ...striped(parameters),
      label: () => {
        throw new Error('no label');
      },
    };
    await assert.rejects(
      collect(new InlineLoader(labels, shape).epoch({ ...plan, shuffle: false })),
      new DataError('Image 0 cannot be read: no label'),
    );
  });

  it('have a module that makes the same source', async () => {
    const wrong = { ...striped(parameters), worker: { module: stripedModule, parameters: { count: 3 } } };
    const none = { ...striped(parameters), worker: { module: 'data:text/javascript,export const a = 1' } };
    const sized = {
      ...striped(parameters),
      size: () => [4, 5] as const,
      worker: { module: stripedModule, parameters },
    };
    for (const [source, expected] of [
      [sized, /only one of them has size/],
      [wrong, /^DataError: The source that .* makes in a worker has 3 images, but .* 70/],
      [none, /^DataError: .* does not make a source/],
    ] as const) {
      const loader = new WorkerLoader(source, shape);
      await assert.rejects(collect(loader.epoch(plan)), expected);
      await loader.close();
    }
  });

  it('are checked, limited and split like images in memory', async () => {
    const source = fromModule(parameters);
    const dataset = (train: Images): ImageDataset => ({
      name: 'striped',
      classNames: Array.from({ length: 1000 }, (_, i) => `class ${i}`),
      imageShape: shape,
      mean: [0.5, 0.5, 0.5],
      deviation: [0.3, 0.3, 0.3],
      augmentation: [],
      train,
      test: source,
    });
    const [one, other] = [dataset(source), dataset(inMemory(source))].map((each) =>
      splitValidation(limit(each, { train: 60, test: 20 }), { share: 0.25, seed: 3 }),
    );
    checkSplits(one);
    assert.equal(imageCount(one.test), 20);
    for (const part of ['train', 'validation'] as const) {
      const inOrder = { batchSize: 16, shuffle: false, last: 'pad', random: plan.random } as const;
      const expected = await collect(new InlineLoader(other[part]!, shape).epoch(inOrder));
      const found = await collect(new InlineLoader(one[part]!, shape).epoch(inOrder));
      assert.deepEqual(found, expected);
      const worker = new WorkerLoader(one[part]!, shape);
      assert.deepEqual(await collect(worker.epoch(inOrder)), expected);
      await worker.close();
    }
    const classes = one.classNames.slice(0, 500);
    assert.throws(() => {
      checkSplits({ ...one, classNames: classes });
    }, /The training split of striped: the label of image \d+ is \d+, but there are 500 classes/);
    assert.throws(() => {
      checkSplits({ ...one, train: { ...source, count: 0 } });
    }, /holds no images/);
    assert.throws(() => {
      checkSplits({ ...one, train: { ...source, count: 1.5 } });
    }, /has 1.5 images/);
    assert.throws(() => new Subset(source, Uint32Array.of(70)), /There is no image 70/);
  });

  it('may be many: only batches are in memory', async () => {
    const big: ImageShape = [3, 64, 64];
    const source = striped({ count: 100_000, classes: 1000, later: false });
    // All pixels would be 1.2 GB.
    const largest = await largestAllocation(async () => {
      const batches = new InlineLoader(source, big).epoch({ ...plan, batchSize: 64 });
      let seen = 0;
      for await (const { count } of batches) if ((seen += count) > 5000) break;
      assert.ok(seen > 5000);
      const few = limit(splitOf(source, big), { train: 2000 }).train;
      await pixelStatistics(few, big);
    });
    assert.ok(largest <= 64 * imageSize(big), `${largest} bytes at once`);
  });
});

const splitOf = (train: ImageSource, imageShape: ImageShape): ImageDataset =>
  splitValidation(
    {
      name: 'many',
      classNames: ['a'],
      imageShape,
      mean: [],
      deviation: [],
      augmentation: [],
      train,
      test: train,
    },
    { share: 0.1 },
  );

/** Bytes of the largest Uint8Array that is made while something runs. */
async function largestAllocation(run: () => Promise<void>): Promise<number> {
  const original = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, [first, ...rest]: [unknown, ...unknown[]], newTarget) {
      // What draws the images set aside has a byte for each.
      if (typeof first === 'number' && first !== 100_000) largest = Math.max(largest, first);
      return Reflect.construct(target, [first, ...rest], newTarget) as Uint8Array;
    },
  });
  try {
    await run();
  } finally {
    globalThis.Uint8Array = original;
  }
  return largest;
}

describe('pixels that are transformed', () => {
  it('are the bits that they always were', async () => {
    const drawn = splitValidation(shapes({ train: 210, test: 30 }), { share: 0.2, seed: 7 });
    const hashed = async (images: Images, each: BatchPlan): Promise<string> => {
      const hash = createHash('sha256');
      for await (const batch of new InlineLoader(images, drawn.imageShape).epoch(each))
        hash.update(batch.images).update(batch.labels).update(String(batch.count));
      return hash.digest('hex').slice(0, 32);
    };
    const { augmentation } = drawn;
    const training = {
      batchSize: 16,
      shuffle: true,
      augmentation,
      last: 'drop',
      random: [1, 2, 3, 4],
    } as const;
    assert.equal(await hashed(drawn.train, training), 'f37d076fa12deae4549451de43b67ac2');
    const following = { batchSize: 16, shuffle: false, last: 'pad', random: [1, 0, 0, 0] } as const;
    assert.equal(await hashed(drawn.validation!, following), 'c0531ad77877a9b0226dafe1079c5680');
  });

  it('are the same whether a crop and a flip are done in one go or one after the other', async () => {
    const copies = plan.augmentation!.map((one): ImageTransform => ({ ...one, name: `my ${one.name}` }));
    const loader = new InlineLoader(striped(parameters), shape);
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const each = { ...plan, random: Random.fromSeed(seed).state };
        assert.deepEqual(
          await collect(loader.epoch({ ...each, augmentation: copies })),
          await collect(loader.epoch(each)),
        );
      }),
      { numRuns: 10 },
    );
  });

  it('draw the same augmentation whatever they go through before', async () => {
    const nothing: ImageTransform = {
      name: 'draws',
      config: {},
      apply: (picture, random) => (random.bits(), picture),
    };
    const source = striped(parameters);
    assert.deepEqual(
      await collect(new InlineLoader(source, shape, { preprocessing: [nothing] }).epoch(plan)),
      await collect(new InlineLoader(source, shape).epoch(plan)),
    );
  });
});
