import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { Random } from '../random/random.js';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { InlineLoader } from './batches.js';
import { DataError } from './data-error.js';
import type { ImageSource } from './image-source.js';
import type { ImageTransform, Picture } from './image-transform.js';
import {
  checkTransforms,
  createImageTransform,
  storedAugmentation,
  storedTransforms,
  transformsOf,
} from './image-transforms.js';
import { centerCrop, randomResizedCrop, resize } from './resize.js';
import { WorkerLoader } from './worker-batches.js';

const pictures = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([channels, height, width]) =>
    fc
      .uint8Array({ minLength: channels * height * width, maxLength: channels * height * width })
      .map((data): Picture => ({ data, shape: [channels, height, width] })),
  );
const sizes = fc.tuple(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 15 }));
const random = (): Random => Random.fromSeed(1);

/** The triangle filter over both directions at once, one pixel at a time. */
function naiveResize(
  { data, shape: [channels, height, width] }: Picture,
  toHeight: number,
  toWidth: number,
): number[] {
  const weight = (from: number, to: number, at: number, position: number): number => {
    const scale = from / to;
    return Math.max(0, 1 - Math.abs(position + 0.5 - (at + 0.5) * scale) / Math.max(scale, 1));
  };
  const result: number[] = [];
  for (let channel = 0; channel < channels; channel++)
    for (let row = 0; row < toHeight; row++)
      for (let column = 0; column < toWidth; column++) {
        let [sum, total] = [0, 0];
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const w = weight(height, toHeight, row, y) * weight(width, toWidth, column, x);
            sum += w * data[(channel * height + y) * width + x];
            total += w;
          }
        result.push(sum / total);
      }
  return result;
}

describe('resize', () => {
  it('averages with a triangle as wide as the pixels that become one', () => {
    fc.assert(
      fc.property(pictures, sizes, (picture, size) => {
        const { data, shape } = resize({ size }).apply(picture, random());
        assert.deepEqual(shape, [picture.shape[0], ...size]);
        naiveResize(picture, ...size).forEach((value, i) => {
          assert.ok(Math.abs(data[i] - value) <= 0.5 + 1e-9, `${data[i]} for ${value} at ${i}`);
        });
      }),
      { numRuns: 60 },
    );
    const four = { data: Uint8Array.of(0, 80, 160, 240), shape: [1, 1, 4] } as const;
    // (3·0 + 3·80 + 160) / 7 and its mirror: of the weights 1, 3, 3, 1 the first lies beyond the edge.
    assert.deepEqual([...resize({ size: [1, 2] }).apply(four, random()).data], [57, 183]);
  });

  it('leaves a picture of the size as it is, and one colour one colour', () => {
    fc.assert(
      fc.property(pictures, sizes, fc.integer({ min: 0, max: 255 }), (picture, size, colour) => {
        const [, height, width] = picture.shape;
        assert.deepEqual(resize({ size: [height, width] }).apply(picture, random()).data, picture.data);
        const plain = { ...picture, data: new Uint8Array(picture.data.length).fill(colour) };
        assert.ok(
          resize({ size })
            .apply(plain, random())
            .data.every((pixel) => pixel === colour),
        );
      }),
    );
  });

  it('keeps the ratio of the sides where it is told the shorter one', () => {
    const shapeOf = (height: number, width: number, size: number): readonly number[] =>
      resize({ size }).apply({ data: new Uint8Array(height * width), shape: [1, height, width] }, random())
        .shape;
    assert.deepEqual(shapeOf(20, 30, 10), [1, 10, 15]);
    assert.deepEqual(shapeOf(31, 20, 10), [1, 15, 10]);
    assert.deepEqual(shapeOf(3, 3, 7), [1, 7, 7]);
  });
});

describe('centerCrop', () => {
  it('takes the middle, with zeros where there is no picture', () => {
    const picture: Picture = { data: Uint8Array.from({ length: 12 }, (_, i) => i + 1), shape: [1, 3, 4] };
    const cropped = (size: number | [number, number]): number[] => [
      ...centerCrop({ size }).apply(picture, random()).data,
    ];
    assert.deepEqual(cropped([1, 2]), [6, 7]);
    assert.deepEqual(cropped(3), [1, 2, 3, 5, 6, 7, 9, 10, 11]);
    assert.deepEqual(cropped([1, 6]), [0, 5, 6, 7, 8, 0]);
    assert.deepEqual(cropped([5, 1]), [0, 2, 6, 10, 0]);
  });

  it('undoes itself: a larger crop and back', () => {
    fc.assert(
      fc.property(pictures, fc.integer({ min: 0, max: 4 }), (picture, more) => {
        const [, height, width] = picture.shape;
        const large = centerCrop({ size: [height + 2 * more, width + 2 * more] }).apply(picture, random());
        assert.deepEqual(centerCrop({ size: [height, width] }).apply(large, random()), picture);
      }),
    );
  });
});

describe('randomResizedCrop', () => {
  it('is a part of the picture, as large as it may be, drawn by the generator alone', () => {
    fc.assert(
      fc.property(pictures, sizes, fc.nat(), (picture, size, seed) => {
        const transform = randomResizedCrop({ size });
        const [one, other] = [0, 1].map(() => transform.apply(picture, Random.fromSeed(seed)));
        assert.deepEqual(one, other);
        assert.deepEqual(one.shape, [picture.shape[0], ...size]);
        // An average lies between the extremes.
        const [least, most] = [Math.min(...picture.data), Math.max(...picture.data)];
        assert.ok(one.data.every((pixel) => pixel >= least && pixel <= most));
      }),
    );
  });

  it('takes the whole picture where the part is the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(), (side, seed) => {
        const data = Uint8Array.from({ length: side * side }, (_, i) => i);
        const whole = randomResizedCrop({ size: side, scale: [1, 1], ratio: [1, 1] });
        assert.deepEqual(whole.apply({ data, shape: [1, side, side] }, Random.fromSeed(seed)).data, data);
      }),
    );
  });

  it('takes the middle where no part fits', () => {
    const data = Uint8Array.from({ length: 40 }, (_, i) => i);
    const square = randomResizedCrop({ size: 2, scale: [1, 1], ratio: [1, 1] });
    const found = square.apply({ data, shape: [1, 2, 20] }, random());
    assert.deepEqual([...found.data], [9, 10, 29, 30]);
  });

  it('draws parts all over the picture, large and small', () => {
    const seen = new Set<number>();
    const data = Uint8Array.from({ length: 100 }, (_, i) => i);
    const generator = Random.fromSeed(2);
    for (let i = 0; i < 200; i++)
      seen.add(randomResizedCrop({ size: 1 }).apply({ data, shape: [1, 10, 10] }, generator).data[0]);
    assert.ok(seen.size > 40, `${seen.size}`);
  });
});

describe('transforms', () => {
  const list = [randomCrop({ padding: 4 }), randomHorizontalFlip()];
  const more = [
    resize({ size: 40 }),
    centerCrop({ size: [32, 30] }),
    randomResizedCrop({ size: 32, scale: [0.5, 1] }),
  ];

  it('are made again by name and options', () => {
    for (const { name, config } of [...list, ...more]) {
      const again = createImageTransform(name, JSON.parse(JSON.stringify(config)) as typeof config);
      assert.deepEqual([again.name, again.config], [name, config]);
    }
    assert.throws(() => createImageTransform('invert', {}), /"invert" is none of this package's/);
    assert.throws(() => createImageTransform('toString', {}), RangeError);
    assert.throws(() => createImageTransform('resize', { size: 3, filter: 'box' }), /no option "filter"/);
  });

  it('are kept as a checkpoint always kept a crop and a flip, else as a list', () => {
    const old = { cropPadding: 4, horizontalFlip: true };
    assert.deepEqual(storedAugmentation(list), old);
    for (const cropPadding of [0, 4]) {
      for (const horizontalFlip of [false, true]) {
        const stored = { cropPadding, horizontalFlip };
        assert.deepEqual(storedAugmentation(transformsOf(stored)), stored);
      }
    }
    const reversed = storedAugmentation(list.toReversed());
    assert.deepEqual(reversed, [
      { name: 'randomHorizontalFlip', config: {} },
      { name: 'randomCrop', config: { padding: 4 } },
    ]);
    assert.deepEqual(storedTransforms(transformsOf(storedAugmentation(more))), storedTransforms(more));
  });

  it('of your own are given again', () => {
    const own: ImageTransform = { name: 'invert', config: { by: 1 }, apply: (picture) => picture };
    const stored = storedAugmentation([own]);
    assert.equal(transformsOf(stored, [own])[0], own);
    for (const others of [[], [{ ...own, config: { by: 2 } }]])
      assert.throws(() => transformsOf(stored, others), /give the transform itself/);
  });

  it('are checked: JavaScript may give anything', () => {
    checkTransforms('augmentation', [...list, { name: 'mine', config: {}, apply: (picture) => picture }]);
    for (const [wrong, message] of [
      [{ cropPadding: 4, horizontalFlip: true }, /augmentation must be a list of transforms/],
      [[null], /augmentation\[0\] must be a transform/],
      [[list[0], { name: 'mine' }], /augmentation\[1\] must be a transform/],
      [[{ ...list[0] }], /is the name of a transform of this package/],
    ] as const) {
      assert.throws(() => {
        checkTransforms('augmentation', wrong as unknown as ImageTransform[]);
      }, message);
    }
    for (const size of [0, -1, 1.5, NaN, 2 ** 17, [3], [3, 0], '3', null]) {
      for (const make of [resize, centerCrop, randomResizedCrop])
        assert.throws(() => make({ size: size as number }), RangeError);
    }
    for (const range of [[], [0, 1], [1, 0.5], [0.5], [0.1, 2], null]) {
      const scale = range as unknown as [number, number];
      assert.throws(() => randomResizedCrop({ size: 1, scale }), /scale must be \[least, most\]/);
    }
    for (const padding of [-1, 0.5, NaN, 2 ** 17]) assert.throws(() => randomCrop({ padding }), /padding/);
  });
});

describe('pictures of any size', { timeout: 30_000 }, () => {
  /** Picture i is i + 3 by 2 i + 4 pixels. */
  const source: ImageSource = {
    count: 10,
    label: (i) => i,
    size: (i) => [i + 3, 2 * i + 4],
    read: (i, target) => void target.fill(10 * i + 5),
  };
  const plan = { batchSize: 5, shuffle: false, last: 'pad', random: [1, 2, 3, 4] } as const;

  it('are brought to the shape of the dataset by transforms, before or with the augmentation', async () => {
    const loaders = [
      new InlineLoader(source, [1, 6, 6], { preprocessing: [resize({ size: 6 }), centerCrop({ size: 6 })] }),
      new WorkerLoader(source, [1, 6, 6], { preprocessing: [resize({ size: [6, 6] })], workers: 2 }),
      new InlineLoader(source, [1, 6, 6]),
    ];
    for (const [i, loader] of loaders.entries()) {
      const augmentation = [randomResizedCrop({ size: 6 }), randomHorizontalFlip()];
      for await (const batch of loader.epoch(i === 2 ? { ...plan, augmentation } : plan)) {
        batch.labels.forEach((label, row) => {
          assert.ok(
            batch.images.subarray(row * 36, (row + 1) * 36).every((pixel) => pixel === 10 * label + 5),
          );
        });
      }
      await loader.close();
    }
  });

  it('are named where they do not get it, with their sizes', async () => {
    const read = async (loader: InlineLoader): Promise<void> => {
      for await (const batch of loader.epoch(plan)) assert.ok(batch);
    };
    await assert.rejects(
      read(new InlineLoader(source, [1, 4, 6])),
      new DataError(
        'Image 0 is [1, 3, 4] and becomes [1, 3, 4], but images of this dataset are [1, 4, 6]; let a transform bring it there: resize, centerCrop or randomResizedCrop.',
      ),
    );
    await assert.rejects(
      read(new InlineLoader(source, [1, 3, 4], { preprocessing: [resize({ size: 3 })] })),
      /^DataError: Image 3 is \[1, 6, 10\] and becomes \[1, 3, 5\], but/,
    );
    for (const size of [
      [0, 3],
      [2.5, 3],
      [1e6, 1e6],
    ] as const) {
      await assert.rejects(
        read(new InlineLoader({ ...source, size: () => size }, [1, 4, 6])),
        /size of image 0/,
      );
    }
  });
});

test('an option that is no number is shown, whatever it is', () => {
  const strange = JSON.parse('[{"toString":1,"valueOf":null},2]') as [number, number];
  assert.throws(
    () => centerCrop({ size: strange }),
    new RangeError('centerCrop: size must be a whole number from 1 to 65536, not an object'),
  );
});
