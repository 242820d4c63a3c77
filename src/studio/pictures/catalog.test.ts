import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Catalog,
  type NewPicture,
  added,
  advice,
  classCounts,
  duplicates,
  emptyCatalog,
  folderName,
  merged,
  moved,
  obstacle,
  parseCatalog,
  renamed,
  testPictures,
  withClass,
  withPart,
  without,
  withoutContradictions,
  withoutClass,
  withoutDuplicates,
} from './catalog.js';

let number = 0;
const picture = (className: string, more: Partial<NewPicture> = {}): NewPicture => ({
  className,
  name: `${++number}.png`,
  part: 'auto',
  pack: 'pack',
  offset: 0,
  length: 1,
  width: 32,
  height: 32,
  hash: `hash ${number}`,
  ...more,
});
const of = (...counts: readonly (readonly [string, number])[]): Catalog =>
  added(
    emptyCatalog,
    counts.flatMap(([name, count]) => Array.from({ length: count }, () => picture(name))),
  );
const labels = ({ classNames, pictures }: Catalog): string[] =>
  pictures.map(({ label }) => classNames[label]);

describe('the catalog of pictures', () => {
  it('makes the classes of pictures that are added, and gives every picture an id of its own', () => {
    const catalog = added(of(['cat', 2], ['dog', 1]), [picture('cat'), picture('eel')]);
    assert.deepEqual(catalog.classNames, ['cat', 'dog', 'eel']);
    assert.deepEqual(labels(catalog), ['cat', 'cat', 'dog', 'cat', 'eel']);
    assert.equal(new Set(catalog.pictures.map(({ id }) => id)).size, 5);
  });

  it('renames, merges and deletes classes without mixing up the pictures of others', () => {
    const catalog = of(['cat', 1], ['dog', 2], ['eel', 1]);
    assert.deepEqual(labels(renamed(catalog, 1, 'wolf')), ['cat', 'wolf', 'wolf', 'eel']);
    // With the name of another it is merged.
    assert.deepEqual(renamed(catalog, 0, 'eel').classNames, ['dog', 'eel']);
    assert.deepEqual(labels(renamed(catalog, 0, 'eel')), ['eel', 'dog', 'dog', 'eel']);
    assert.deepEqual(labels(merged(catalog, 2, 0)), ['cat', 'dog', 'dog', 'cat']);
    assert.deepEqual(labels(withoutClass(catalog, 0)), ['dog', 'dog', 'eel']);
    assert.equal(withClass(catalog, 'cat'), catalog);
    assert.deepEqual(renamed(catalog, 1, 'dog').classNames, catalog.classNames);
  });

  it('moves and deletes pictures', () => {
    const catalog = of(['cat', 2], ['dog', 1]);
    const [first] = catalog.pictures;
    assert.deepEqual(labels(moved(catalog, new Set([first.id]), 1)), ['dog', 'cat', 'dog']);
    assert.deepEqual(labels(without(catalog, new Set([first.id]))), ['cat', 'dog']);
  });

  it('draws the test share of every class, the same each time, and keeps to what is said of a picture', () => {
    const catalog = of(['cat', 20], ['dog', 10]);
    const test = testPictures(catalog);
    assert.deepEqual(classCounts(catalog, test), [
      { train: 16, test: 4 },
      { train: 8, test: 2 },
    ]);
    assert.deepEqual(testPictures(catalog), test);
    const { id } = catalog.pictures[test.indexOf(true)];
    const fixed = withPart(catalog, new Set([id]), 'train');
    assert.equal(testPictures(fixed)[test.indexOf(true)], false);
    const all = withPart(catalog, new Set(catalog.pictures.map((one) => one.id)), 'test');
    assert.ok(testPictures(all).every(Boolean));
  });

  it('finds pictures that are there twice, and says where that matters', () => {
    const twice = picture('cat', { name: 'a.png' });
    const catalog = added(of(['cat', 12], ['dog', 12]), [twice, { ...twice, name: 'b.png' }]);
    assert.equal(duplicates(catalog).length, 1);
    assert.match(advice(catalog).join(' '), /1 picture is there twice: “a.png” and “b.png” in “cat”\./);
    assert.equal(withoutDuplicates(catalog).pictures.length, 25);
    assert.equal(withoutContradictions(catalog).pictures.length, 26);
    assert.deepEqual(advice(of(['cat', 12], ['dog', 12])), []);
  });

  it('leaves it to the user which class is right for a picture that is in two', () => {
    const one = picture('cat', { name: 'a.png' });
    const catalog = added(of(['cat', 12], ['dog', 12]), [one, { ...one, className: 'dog' }]);
    assert.match(
      advice(catalog).join(' '),
      /1 picture is in more than one class: “a.png” in “cat” and “a.png” in “dog”\. Delete each/,
    );
    assert.equal(withoutDuplicates(catalog).pictures.length, 26);
    assert.equal(withoutContradictions(catalog).pictures.length, 24);
  });

  it('says which classes are small or favoured', () => {
    assert.match(advice(of(['cat', 5], ['dog', 12]))[0], /“cat” has fewer than 10 pictures/);
    assert.match(advice(of(['cat', 40], ['dog', 10]))[0], /“cat” has 4 times as many pictures as “dog”/);
  });

  it('says why it cannot be trained on yet', () => {
    assert.match(obstacle(of(['cat', 9]))!, /two classes/);
    assert.match(obstacle(withClass(of(['cat', 9], ['dog', 9]), 'eel'))!, /“eel” has no training pictures/);
    assert.match(obstacle({ ...of(['cat', 9], ['dog', 9]), testShare: 0 })!, /no test pictures/);
    assert.equal(obstacle(of(['cat', 9], ['dog', 9])), undefined);
  });

  it('gives classes names that folders can have', () => {
    assert.equal(folderName('a/b\\c:d*?"<>|'), 'a_b_c_d______');
    assert.equal(folderName('..'), 'unnamed');
    assert.equal(folderName(' cat. '), 'cat');
    assert.deepEqual(added(emptyCatalog, [picture('a/b')]).classNames, ['a_b']);
  });

  it('comes back from its text, and from a damaged one with a sentence', () => {
    const catalog = of(['cat', 2]);
    assert.deepEqual(parseCatalog(JSON.stringify(catalog)), catalog);
    assert.throws(() => parseCatalog('{}'), /damaged/);
  });
});
