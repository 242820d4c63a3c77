import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { cp, mkdir, open as openFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Random } from '../../random/random.js';
import sharp from 'sharp';
import { temporaryFolder } from '../../testing/command.js';
import { plainPicture, writeClassFolders, writePicture } from '../../testing/picture-files.js';
import { InlineLoader } from '../batches.js';
import { cifar10 } from '../cifar.js';
import { DataError } from '../data-error.js';
import { type ImageDataset, type Images, imageCount } from '../dataset.js';
import { type ImageSource, labelsOf, shapeOf } from '../image-source.js';
import type { Batch, BatchPlan } from '../loader.js';
import { shapes } from '../shapes.js';
import { WorkerLoader } from '../worker-batches.js';
import { type FolderDataset, type ImageFolderOptions, imageFolder, pictureFile } from './image-folder.js';

const root = temporaryFolder();
const cacheDir = join(root, 'cache');
const open = (dir: string, options: ImageFolderOptions = {}): Promise<FolderDataset> =>
  imageFolder(dir, { cacheDir, ...options });

const plan: BatchPlan = { batchSize: 16, shuffle: true, last: 'drop', random: Random.fromSeed(5).state };

async function batchesOf(
  dataset: ImageDataset,
  images: Images,
  each: BatchPlan = plan,
  workers = 0,
): Promise<Batch[]> {
  const loader =
    workers > 0
      ? new WorkerLoader(images, dataset.imageShape, { workers })
      : new InlineLoader(images, dataset.imageShape);
  const all: Batch[] = [];
  for await (const batch of loader.epoch(each))
    all.push({ ...batch, images: batch.images.slice(), labels: batch.labels.slice() });
  await loader.close();
  return all;
}

const sizeOf = (images: Images, index: number): readonly number[] =>
  shapeOf(images as ImageSource, index, [3, 0, 0]).slice(1);

const files = (images: Images): string[] =>
  Array.from({ length: imageCount(images) }, (_, i) => pictureFile(images, i)!);

/** A folder with pictures, each of a colour of its own. */
async function makeFolder(name: string, paths: readonly string[]): Promise<string> {
  const folder = join(root, name);
  for (const path of paths) {
    const random = Random.fromSeed(0, path);
    const [r, g, b] = [random.integer(256), random.integer(256), random.integer(256)];
    await writePicture(join(folder, path), plainPicture(20, 10, { r, g, b }));
  }
  return folder;
}

const refused = (dir: string, message: RegExp, options: ImageFolderOptions = {}): Promise<void> =>
  assert.rejects(open(dir, options), (error) => error instanceof DataError && message.test(error.message));

describe('images in files', () => {
  const drawn = shapes({ train: 60, test: 20 });
  const dir = join(root, 'shapes');
  const settings: ImageFolderOptions = {
    classNames: drawn.classNames,
    statistics: { mean: drawn.mean, deviation: drawn.deviation },
    augmentation: drawn.augmentation,
  };
  before(async () => {
    for (const split of ['train', 'test'] as const)
      await writeClassFolders(join(dir, split), drawn[split], drawn.imageShape, drawn.classNames);
  });

  it('are the bits of those in memory, from the files, from what is kept of them, and in threads', async () => {
    const random = { ...plan, augmentation: drawn.augmentation };
    const [train, test] = [await batchesOf(drawn, drawn.train, random), await batchesOf(drawn, drawn.test)];
    for (const cacheBytes of [0, 1e6, 1e6, 100_000]) {
      const dataset = await open(dir, { ...settings, cacheBytes });
      assert.deepEqual(dataset.imageShape, [3, 32, 32]);
      assert.deepEqual(dataset.classNames, drawn.classNames);
      assert.deepEqual(await batchesOf(dataset, dataset.train, random), train);
      assert.deepEqual(await batchesOf(dataset, dataset.test), test);
      if (cacheBytes !== 1e6) assert.deepEqual(await batchesOf(dataset, dataset.train, random, 1), train);
    }
  });

  it('have the statistics of their pixels, and a crop with an eighth as padding', async () => {
    const { mean, deviation, augmentation, evaluation } = await open(dir);
    const pixels = Array.from(drawn.train.images);
    const red = pixels.filter((_, i) => Math.floor(i / 1024) % 3 === 0);
    const average = red.reduce((a, b) => a + b) / red.length;
    const variance = red.reduce((sum, level) => sum + (level - average) ** 2, 0) / red.length;
    assert.ok(Math.abs(mean[0] - average / 255) < 1e-12);
    assert.ok(Math.abs(deviation[0] - Math.sqrt(variance) / 255) < 1e-12);
    assert.deepEqual(
      augmentation.map(({ name, config }) => [name, config]),
      [
        ['randomCrop', { padding: 4 }],
        ['randomHorizontalFlip', {}],
      ],
    );
    assert.equal(evaluation, undefined);
  });

  const archive = join('..', 'shared', 'data', 'cifar-10-batches-bin');
  it(
    'of CIFAR-10 are the bits that its binary files give',
    { skip: !existsSync(archive) && 'there is no CIFAR-10 here' },
    async () => {
      // The first records of each file.
      const binary = join(root, 'cifar-binary');
      await mkdir(binary);
      for (const name of readdirSync(archive).filter((each) => each.endsWith('.bin'))) {
        const file = await openFile(join(archive, name));
        const records = Buffer.alloc(40 * 3073);
        await file.read(records, 0, records.length, 0);
        await file.close();
        writeFileSync(join(binary, name), records);
      }
      const cifar = await cifar10({ dir: binary });
      const folder = join(root, 'cifar');
      for (const split of ['train', 'test'] as const)
        await writeClassFolders(join(folder, split), cifar[split], cifar.imageShape, cifar.classNames);
      const { mean, deviation } = cifar;
      const dataset = await open(folder, { statistics: { mean, deviation } });
      assert.deepEqual(dataset.classNames, cifar.classNames);
      for (const key of ['augmentation', 'imageShape', 'mean', 'deviation'] as const)
        assert.equal(JSON.stringify(dataset[key]), JSON.stringify(cifar[key]));
      for (const split of ['train', 'test'] as const) {
        const each = { ...plan, augmentation: dataset.augmentation };
        const wanted = await batchesOf(cifar, cifar[split], each);
        assert.deepEqual(await batchesOf(dataset, dataset[split], each), wanted);
      }
    },
  );
});

describe('folders', () => {
  const names = (className: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${className}/${i}.png`);

  it('of classes alone: a fifth of each becomes test images, drawn by a seed', async () => {
    const dir = await makeFolder('classes', [...names('cat', 15), ...names('dog', 5), 'dog/deeper/x.jpeg']);
    const dataset = await open(dir);
    assert.deepEqual(dataset.classNames, ['cat', 'dog']);
    assert.deepEqual([imageCount(dataset.train), imageCount(dataset.test)], [17, 4]);
    assert.deepEqual(dataset.imageShape, [3, 10, 10]);
    assert.deepEqual(
      [...files(dataset.train), ...files(dataset.test)].sort(),
      [...names('cat', 15), ...names('dog', 5), 'dog/deeper/x.jpeg'].sort(),
    );
    const labels = labelsOf(dataset.test);
    files(dataset.test).forEach((file, i) => {
      assert.ok(file.startsWith(dataset.classNames[labels[i]]));
    });
    assert.deepEqual(files((await open(dir)).test), files(dataset.test));
    assert.notDeepEqual(files((await open(dir, { seed: 1 })).test), files(dataset.test));
    const all = await open(dir, { testShare: 1 });
    assert.equal(imageCount(all.test), 21);
    assert.equal(imageCount((await open(dir, { testShare: 0.5 })).test), 11);
  });

  it('of splits, under all their names, and no split where train is a class among others', async () => {
    const splits = await makeFolder('splits', [
      ...['Training/a/1.png', 'Training/b/1.png', 'valid/a/2.png', 'valid/b/2.png', 'valid/b/3.png'],
      ...['test/a/4.png', 'test/b/4.png', 'notes/x.png'],
    ]);
    const dataset = await open(splits);
    assert.deepEqual(files(dataset.validation!), ['valid/a/2.png', 'valid/b/2.png', 'valid/b/3.png']);
    assert.deepEqual(files(dataset.train), ['Training/a/1.png', 'Training/b/1.png']);
    assert.equal(dataset.folder.drawn, null);
    assert.deepEqual(dataset.report.otherFolders, ['notes']);

    rmSync(join(splits, 'test'), { recursive: true });
    const two = await open(splits);
    // Nothing is chosen on what is reported.
    assert.equal(two.validation, undefined);
    assert.equal(imageCount(two.test), 3);

    const vehicles = await makeFolder('vehicles', ['train/1.png', 'car/1.png', 'train/2.png', 'car/2.png']);
    assert.deepEqual((await open(vehicles, { testShare: 0.5 })).classNames, ['car', 'train']);
  });

  it('whose classes differ are refused, with the names that only one has', async () => {
    const dir = await makeFolder('differ', [
      'train/cat/1.png',
      'train/dog/1.png',
      'val/cat/1.png',
      'val/wolf/1.png',
    ]);
    await refused(
      dir,
      /val has the class "wolf", which is not in \S*train\. Classes are matched by their names/,
    );
    rmSync(join(dir, 'val', 'wolf'), { recursive: true });
    await refused(dir, /val lacks the class "dog", which is in \S*train\. .* make an empty folder/);
    await mkdir(join(dir, 'val', 'dog'));
    assert.deepEqual((await open(dir)).classNames, ['cat', 'dog']);
    await refused(dir, /differ has the class "dog", which is not in the classes asked for/, {
      classNames: ['cat'],
    });
    const swapped = await open(dir, { classNames: ['dog', 'cat'] });
    assert.deepEqual(Array.from(labelsOf(swapped.train)), [1, 0]);
  });

  it('that hold nothing of use are refused', async () => {
    await refused(join(root, 'nowhere'), /^There is no folder \S*nowhere\.$/);
    await mkdir(join(root, 'empty', 'cat'), { recursive: true });
    await refused(join(root, 'empty'), /has folders, but no pictures in them/);
    await refused(
      await makeFolder('flat', ['1.png']),
      /flat holds pictures, but no folders; give a folder with one folder/,
    );
    await refused(
      await makeFolder('half', ['train/1.png', 'val/cat/1.png']),
      /train holds no folders; it takes one for each class/,
    );
    const none = await makeFolder('none', ['cat/1.png']);
    writeFileSync(join(none, 'cat', '1.png'), 'no picture');
    await refused(none, /None of the 1 pictures in \S* can be read: cat\/1\.png is not an image/);
    writeFileSync(join(root, 'file.bin'), '');
    await refused(join(root, 'file.bin'), /is a file, but neither a folder of pictures nor a \.csv file/);
  });

  it('options out of range are refused', async () => {
    for (const wrong of [
      { testShare: 0 },
      { seed: 0.5 },
      { workers: 0 },
      { cacheBytes: -1 },
      { background: 'white' },
      { size: 0 },
      { size: 64, resize: 32 },
      { channels: 2 as 3 },
    ]) {
      await assert.rejects(open(join(root, 'classes'), wrong), RangeError, JSON.stringify(wrong));
    }
  });

  it('tables give paths, labels and splits in their order', async () => {
    const dir = await makeFolder('table', ['a.png', 'b.png', 'c, d.png', 'e.png']);
    const table = join(dir, 'labels.csv');
    writeFileSync(
      table,
      `\uFEFFid,label,filename,split\r\n1,wolf,e.png,train\r\n2,"a ""b""",${join(dir, 'a.png')},train\r\n\r\n3,wolf,"c, d.png",test\r\n4,"a ""b""",b.png,Test`,
    );
    const dataset = await open(table);
    assert.deepEqual(dataset.classNames, ['a "b"', 'wolf']);
    assert.deepEqual(files(dataset.train), ['e.png', join(dir, 'a.png')]);
    assert.deepEqual(Array.from(labelsOf(dataset.train)), [1, 0]);
    assert.deepEqual(files(dataset.test), ['c, d.png', 'b.png']);
    writeFileSync(table, 'a.png;x\nb.png;y\ne.png;x\n');
    assert.deepEqual((await open(table, { testShare: 0.4 })).classNames, ['x', 'y']);
    for (const [text, message] of [
      ['', /names no pictures/],
      [
        'path,label,split\na.png,x,train\nb.png,y,test\n',
        /its test part has the class "y", which is not in the training part/,
      ],
      [
        'path,label,split\na.png,x,train\nb.png,y,train\ne.png,x,test\n',
        /its test part lacks the class "y", which is in the training part .* leave its split out/,
      ],
      [
        'path,label,split\na.png,x,dev\n',
        /Line 2 of labels\.csv has the split "dev"; it is train, val or test/,
      ],
      ['a.png,x\nb.png\n', /Line 2 of labels\.csv has 1 of 2 columns/],
      ['a.png,x\n"b.png,y\n', /Line 2 of labels\.csv opens a quotation mark that nothing closes/],
      ['a.png,x\n"b".png,y\n', /Line 2 of labels\.csv goes on after a closing quotation mark/],
      ['a.png,\n', /Line 1 of labels\.csv has the label ""/],
      [',x\n', /Line 1 of labels\.csv has the path ""/],
    ] as const) {
      writeFileSync(table, text);
      await refused(table, message);
    }
  });
});

describe('larger pictures', () => {
  it('keep what sticks out for random crops, up to a ratio of four', async () => {
    const dir = join(root, 'photos');
    for (const [i, [width, height]] of [
      [300, 150],
      [150, 300],
      [200, 200],
      [2000, 20],
    ].entries()) {
      await writePicture(
        join(dir, `${'ab'[i % 2]}/${i}.jpg`),
        plainPicture(width, height, { r: 40 * i, g: 9, b: 9 }),
      );
    }
    const dataset = await open(dir, { size: 70, testShare: 0.5 });
    assert.deepEqual(dataset.folder.decoding.cover, [80, 80]);
    const all = await open(dir, { size: 70, testShare: 1 });
    const { test } = all;
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => sizeOf(test, i)),
      [
        [80, 160],
        [160, 80],
        [80, 80],
        [80, 320],
      ],
    );
    assert.deepEqual(
      dataset.augmentation.map(({ name }) => name),
      ['randomResizedCrop', 'randomHorizontalFlip'],
    );
    assert.deepEqual(
      dataset.evaluation!.map(({ config }) => config),
      [{ size: [70, 70] }],
    );
    const each = { ...plan, batchSize: 2, augmentation: dataset.augmentation };
    assert.deepEqual(await batchesOf(all, test, each), await batchesOf(all, test, each, 2));
    assert.deepEqual((await open(dir)).imageShape, [3, 150, 150]);
    assert.deepEqual(
      (await open(dir, { size: 70, resize: null, testShare: 1 })).folder.decoding.cover,
      [70, 70],
    );
  });
});

describe('the first pass', () => {
  it('names what is wrong with the pictures', async () => {
    const dir = await makeFolder('wrong', [
      'train/a/1.png',
      'train/a/2.png',
      'train/b/1.png',
      'val/a/8.png',
      'val/b/9.png',
    ]);
    const path = (name: string): string => join(dir, name);
    writeFileSync(path('train/a/broken.jpg'), 'no picture');
    writeFileSync(path('train/a/cut.png'), readFileSync(path('train/a/1.png')).subarray(0, 60));
    writeFileSync(path('train/a/notes.txt'), '');
    await cp(path('train/a/1.png'), path('train/a/3.png'));
    await cp(path('train/a/2.png'), path('val/a/2.png'));
    // The same pixels in another file.
    await writePicture(
      path('train/b/1.webp'),
      sharp(readFileSync(path('val/b/9.png'))).webp({ lossless: true }),
    );
    await cp(path('train/b/1.png'), path('train/a/4.png'));
    const { report, train } = await open(dir);
    assert.equal(report.pictures, 9);
    assert.equal(imageCount(train), 6);
    assert.deepEqual(
      report.broken.map(({ path: file }) => file),
      ['train/a/broken.jpg', 'train/a/cut.png'],
    );
    assert.match(report.broken[0].reason, /^is not an image that can be read/);
    assert.deepEqual(report.duplicates, [['train/a/1.png', 'train/a/3.png']]);
    assert.deepEqual([...report.acrossSplits].sort(), [
      ['train/a/2.png', 'val/a/2.png'],
      ['train/b/1.webp', 'val/b/9.png'],
    ]);
    assert.deepEqual(report.acrossClasses, [['train/b/1.png', 'train/a/4.png']]);
    assert.equal(report.otherFiles, 1);
    assert.deepEqual(report.classes, [
      { name: 'a', train: 4, validation: 0, test: 2 },
      { name: 'b', train: 2, validation: 0, test: 1 },
    ]);
    assert.deepEqual(report.sizes, { smallest: [10, 20], median: [10, 20], largest: [10, 20], enlarged: 0 });
  });

  it('is not made again but for files that are new or have changed', async () => {
    const dir = await makeFolder('again', ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png']);
    writeFileSync(join(dir, 'b', '3.png'), 'no picture');
    const looked = async (): Promise<number> => {
      let most = 0;
      await open(dir, { testShare: 0.5, onProgress: (_, total) => (most = total) });
      return most;
    };
    assert.equal(await looked(), 5);
    assert.equal(await looked(), 0);
    await writePicture(join(dir, 'a', '3.png'), plainPicture(20, 10, { r: 1, g: 2, b: 3 }));
    assert.equal(await looked(), 1);
    utimesSync(join(dir, 'a', '1.png'), 1, 1);
    assert.equal(await looked(), 1);
    rmSync(join(dir, 'a', '2.png'));
    assert.equal(await looked(), 0);
    const [first, second] = [await open(dir, { testShare: 0.5 }), await open(dir, { testShare: 0.5 })];
    assert.equal(first.folder.fingerprint, second.folder.fingerprint);
    assert.equal(first.report.broken.length, 1);
  });

  it('can be ended, and goes on from there', async () => {
    const dir = await makeFolder(
      'ended',
      Array.from({ length: 40 }, (_, i) => `${'ab'[i % 2]}/${i}.png`),
    );
    const controller = new AbortController();
    const onProgress = (done: number): void => {
      if (done === 10) controller.abort(new Error('enough'));
    };
    await assert.rejects(open(dir, { onProgress, signal: controller.signal }), /enough/);
    let todo = 0;
    await open(dir, { onProgress: (_, total) => (todo = total) });
    assert.ok(todo > 0 && todo <= 30, `${todo} were looked at again`);
  });
});

describe('what is kept of pictures', () => {
  const own = join(root, 'own-cache');
  const pixelFiles = async (): Promise<string[]> => {
    const all = await readdir(own, { recursive: true });
    return all.filter((name) => name.endsWith('.bin')).map((name) => join(own, name));
  };
  const expected = async (dataset: FolderDataset): Promise<Batch[]> =>
    batchesOf(dataset, dataset.train, { ...plan, batchSize: 4 });

  it('serves in place of files, is bounded, and is only believed where it is right', async () => {
    const paths = Array.from({ length: 20 }, (_, i) => `${'ab'[i % 2]}/${i}.png`);
    const dir = await makeFolder('kept', paths);
    const dataset = await open(dir, { cacheDir: own });
    const wanted = await expected(await open(dir, { cacheBytes: 0 }));
    assert.deepEqual(await expected(dataset), wanted);
    const [file] = await pixelFiles();
    assert.equal(statSync(file).size, 20 * 300);
    // Damaged pixels, a damaged scan, no pixels at all.
    writeFileSync(file, Buffer.alloc(6000));
    assert.deepEqual(await expected(await open(dir, { cacheDir: own })), wanted);
    rmSync(file);
    assert.deepEqual(await expected(dataset), wanted);
    assert.deepEqual(await expected(await open(dir, { cacheDir: own })), wanted);
    const [folder] = readdirSync(own);
    writeFileSync(join(own, folder, 'scan.safetensors'), 'nothing');
    assert.deepEqual(await expected(await open(dir, { cacheDir: own })), wanted);
    rmSync(own, { recursive: true });
    // Room for seven pictures, and later for all.
    assert.deepEqual(await expected(await open(dir, { cacheDir: own, cacheBytes: 7 * 300 })), wanted);
    assert.equal(statSync((await pixelFiles())[0]).size, 7 * 300);
    assert.deepEqual(await expected(await open(dir, { cacheDir: own })), wanted);
    const sizes = (await pixelFiles()).map((path) => statSync(path).size);
    assert.deepEqual(
      sizes.sort((a, b) => a - b),
      [7 * 300, 13 * 300],
    );
    // Another folder takes the room of the one that was not used for longer.
    const other = await makeFolder('other', paths);
    await open(other, { cacheDir: own, cacheBytes: 6000 });
    assert.deepEqual(
      (await pixelFiles()).map((path) => statSync(path).size),
      [6000],
    );
    assert.deepEqual(await expected(await open(dir, { cacheDir: own, cacheBytes: 0 })), wanted);
  });

  it('a file that is not kept must neither change nor vanish', async () => {
    const dir = await makeFolder('changing', ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png']);
    const dataset = await open(dir, { testShare: 1, cacheBytes: 0 });
    const read = (workers = 0): Promise<unknown> =>
      batchesOf(dataset, dataset.test, { ...plan, batchSize: 4 }, workers);
    await read();
    const path = join(dir, 'a', '2.png');
    const bytes = readFileSync(path);
    await writePicture(path, plainPicture(20, 10, { r: 1, g: 1, b: 1 }));
    await assert.rejects(
      read(),
      /DataError: Image \d cannot be read: \S*2\.png has changed since this began/,
    );
    writeFileSync(path, bytes.subarray(0, 50));
    await assert.rejects(read(), /2\.png has changed since this began/);
    rmSync(path);
    await assert.rejects(read(), /2\.png is gone; it was there when this began/);
    writeFileSync(path, bytes);
    await read();
  });
});
