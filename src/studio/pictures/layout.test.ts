import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPictureName, placesOf } from './layout.js';

/** The class and part of each path. */
const found = (...paths: readonly string[]): string[] =>
  [...placesOf(paths, 'unsorted').values()].map(({ className, part }) => `${className} ${part}`);

describe('where pictures lie', () => {
  it('says their class by folders, whatever is around them', () => {
    assert.deepEqual(found('cat/1.png', 'dog/2.png'), ['cat auto', 'dog auto']);
    assert.deepEqual(found('all/cat/1.png', 'all/dog/2.png'), ['cat auto', 'dog auto']);
    assert.deepEqual(found('cat/1.png', 'cat/2.png'), ['cat auto', 'cat auto']);
    assert.deepEqual(found('cat/deep/1.png', 'dog/2.png'), ['cat auto', 'dog auto']);
  });

  it('and their part, where there are folders of parts', () => {
    assert.deepEqual(found('p/train/cat/1.png', 'p/test/cat/2.png'), ['cat train', 'cat test']);
    assert.deepEqual(found('train/cat/1.png', 'val/cat/2.png'), ['cat train', 'cat test']);
    assert.deepEqual(found('train/a/1.png', 'val/a/2.png', 'test/a/3.png'), ['a train', 'a train', 'a test']);
    // There are trains on pictures.
    assert.deepEqual(found('train/1.png', 'plane/2.png'), ['train auto', 'plane auto']);
  });

  it('those in no folder are unsorted, and what is hidden is left out', () => {
    assert.deepEqual(found('1.png', 'cat/2.png'), ['unsorted auto', 'cat auto']);
    assert.deepEqual(found('__MACOSX/cat/1.png', 'cat/.2.png', 'cat/3.png'), ['cat auto']);
  });

  it('names of pictures end like those of pictures', () => {
    assert.ok(['a.JPG', 'b.webp', 'c/d.png'].every(isPictureName));
    assert.ok(!['a.txt', 'png', 'b.png.zip'].some(isPictureName));
  });
});
