/**
 * The user's own pictures: what is known of each, and what can be done with them. Plain values; every change gives a new
 * catalog.
 */
import { setApart } from '../../data/split-validation.js';
import { Subset } from '../../data/subset.js';

/** Which part of a run a picture belongs to; `auto` is drawn. */
export type Part = 'auto' | 'train' | 'test';

/** A picture that is kept. */
export interface KeptPicture {
  /** Never given twice. */
  readonly id: number;
  /** As its file was called, without folders. */
  readonly name: string;
  /** The position of its class. */
  readonly label: number;
  readonly part: Part;
  /** Where its bytes lie: the file, and where in it. */
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  /** In pixels, as kept. */
  readonly width: number;
  readonly height: number;
  /** Of its pixels: equal pictures have equal ones. */
  readonly hash: string;
}

/** A file that is no picture. */
export interface BrokenFile {
  readonly name: string;
  readonly reason: string;
}

export interface Catalog {
  readonly classNames: readonly string[];
  readonly pictures: readonly KeptPicture[];
  readonly broken: readonly BrokenFile[];
  /** The share of every class that is drawn as test pictures. */
  readonly testShare: number;
  /** Of the draw. */
  readonly seed: number;
  /** The next picture's id. */
  readonly next: number;
}

export const emptyCatalog: Catalog = {
  classNames: [],
  pictures: [],
  broken: [],
  testShare: 0.2,
  seed: 0,
  next: 1,
};

/** A name without what a file system may not take: classes become folders. */
export const folderName = (name: string): string =>
  name
    .normalize('NFC')
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f<>:"/\\|?*]/g, '_')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(0, 100) || 'unnamed';

/** A picture on its way in. */
export type NewPicture = Omit<KeptPicture, 'id' | 'label'> & { readonly className: string };

/** Puts pictures in; classes that there are not yet are made. */
export function added(
  catalog: Catalog,
  pictures: readonly NewPicture[],
  broken: readonly BrokenFile[] = [],
): Catalog {
  const classNames = [...catalog.classNames];
  const labels = new Map(classNames.map((name, label) => [name, label]));
  let { next } = catalog;
  const more = pictures.map(({ className: given, ...picture }): KeptPicture => {
    const className = folderName(given);
    const label = labels.get(className) ?? classNames.push(className) - 1;
    labels.set(className, label);
    return { ...picture, id: next++, label };
  });
  return {
    ...catalog,
    classNames,
    next,
    pictures: [...catalog.pictures, ...more],
    broken: [...catalog.broken, ...broken],
  };
}

/** A new class without pictures; one of that name may be there already. */
export function withClass(catalog: Catalog, given: string): Catalog {
  const { classNames } = catalog;
  const name = folderName(given);
  return classNames.includes(name) ? catalog : { ...catalog, classNames: [...classNames, name] };
}

/** Renames a class; with the name of another it is merged into that. */
export function renamed(catalog: Catalog, label: number, given: string): Catalog {
  const { classNames } = catalog;
  const name = folderName(given);
  const other = classNames.indexOf(name);
  if (other >= 0 && other !== label) return merged(catalog, label, other);
  return { ...catalog, classNames: classNames.map((one, i) => (i === label ? name : one)) };
}

/** Puts the pictures of a class into another, and takes the empty class out. */
export function merged(catalog: Catalog, from: number, into: number): Catalog {
  const pictures = catalog.pictures.map((picture) =>
    picture.label === from ? { ...picture, label: into } : picture,
  );
  return from === into ? catalog : withoutClass({ ...catalog, pictures }, from);
}

/** Takes a class out, with its pictures. */
export function withoutClass(catalog: Catalog, label: number): Catalog {
  return {
    ...catalog,
    classNames: catalog.classNames.filter((_, i) => i !== label),
    pictures: catalog.pictures
      .filter((picture) => picture.label !== label)
      .map((picture) => (picture.label > label ? { ...picture, label: picture.label - 1 } : picture)),
  };
}

/** Moves pictures to a class. */
export function moved(catalog: Catalog, ids: ReadonlySet<number>, label: number): Catalog {
  return changed(catalog, ids, { label });
}

/** Says which part pictures belong to. */
export function withPart(catalog: Catalog, ids: ReadonlySet<number>, part: Part): Catalog {
  return changed(catalog, ids, { part });
}

function changed(
  catalog: Catalog,
  ids: ReadonlySet<number>,
  what: Partial<Pick<KeptPicture, 'label' | 'part'>>,
): Catalog {
  const { pictures } = catalog;
  return {
    ...catalog,
    pictures: pictures.map((picture) => (ids.has(picture.id) ? { ...picture, ...what } : picture)),
  };
}

export function without(catalog: Catalog, ids: ReadonlySet<number>): Catalog {
  return { ...catalog, pictures: catalog.pictures.filter(({ id }) => !ids.has(id)) };
}

/** For each picture whether it is a test picture: what is said of it, or, where nothing is, a draw from every class. */
export function testPictures({ pictures, testShare, seed }: Catalog): boolean[] {
  const result = pictures.map(({ part }) => part === 'test');
  const drawn = Uint32Array.from(pictures.keys()).filter((index) => pictures[index].part === 'auto');
  const aside = Math.round(testShare * drawn.length);
  if (aside === 0 || aside === drawn.length) {
    if (aside > 0) for (const index of drawn) result[index] = true;
    return result;
  }
  const source = {
    count: drawn.length,
    label: (i: number) => pictures[drawn[i]].label,
    read: () => undefined,
  };
  const [, test] = setApart(source, 0, { share: testShare, seed }, 'test', 'the pictures');
  // Of a source it is a subset.
  for (const index of (test as Subset).indices) result[drawn[index]] = true;
  return result;
}

/** Pictures of one class. */
export interface ClassCounts {
  readonly train: number;
  readonly test: number;
}

export function classCounts({ classNames, pictures }: Catalog, test: readonly boolean[]): ClassCounts[] {
  const counts = classNames.map(() => ({ train: 0, test: 0 }));
  pictures.forEach(({ label }, i) => {
    if (test[i]) counts[label].test++;
    else counts[label].train++;
  });
  return counts;
}

/** Pictures that are there more than once: the sets of equal ones. */
export function duplicates({ pictures }: Pick<Catalog, 'pictures'>): KeptPicture[][] {
  const sets = new Map<string, KeptPicture[]>();
  for (const picture of pictures) {
    const found = sets.get(picture.hash);
    if (found) found.push(picture);
    else sets.set(picture.hash, [picture]);
  }
  return [...sets.values()].filter(({ length }) => length > 1);
}

/** From here on classes are called uneven. */
const UNEVEN = 3;
/** Fewer pictures of a class teach little. */
const FEW = 10;

/** What should be seen to before training, in sentences. */
export function advice(catalog: Catalog): string[] {
  const { classNames, pictures } = catalog;
  const test = testPictures(catalog);
  const counts = classCounts(catalog, test);
  const sentences: string[] = [];
  const totals = counts.map((count) => count.train + count.test);
  const few = classNames.filter((_, i) => totals[i] < FEW);
  if (few.length > 0) {
    sentences.push(
      `${named(few)} ${few.length === 1 ? 'has' : 'have'} fewer than ${FEW} pictures, which teach little; add some.`,
    );
  }
  const [most, least] = [Math.max(...totals), Math.min(...totals)];
  if (classNames.length > 1 && least >= FEW && most >= UNEVEN * least) {
    const [large, small] = [classNames[totals.indexOf(most)], classNames[totals.indexOf(least)]];
    sentences.push(
      `${quoted(large)} has ${(most / least).toFixed(0)} times as many pictures as ${quoted(small)}: a model will favour it. Add pictures of the small classes, or delete some of the large.`,
    );
  }
  const sets = duplicates(catalog);
  const within = sets.filter((set) => !isContradictory(set));
  const across = sets.filter(isContradictory);
  if (within.length > 0) {
    const surplus = within.reduce((sum, { length }) => sum + length - 1, 0);
    sentences.push(
      `${surplus} ${surplus === 1 ? 'picture is' : 'pictures are'} there twice: ${some(within.map((set) => placesIn(set, classNames)))}.`,
    );
  }
  if (across.length > 0) {
    sentences.push(
      `${across.length} ${across.length === 1 ? 'picture is' : 'pictures are'} in more than one class: ${some(across.map((set) => placesIn(set, classNames)))}. Delete each where it does not belong, or leave them out.`,
    );
  }
  const parts = new Map(pictures.map(({ id }, i) => [id, test[i]]));
  const leaking = sets.filter((set) => new Set(set.map(({ id }) => parts.get(id))).size > 1).length;
  if (leaking > 0) {
    sentences.push(
      `Of these, ${leaking} ${leaking === 1 ? 'is' : 'are'} both trained on and tested with, which makes the accuracy wrong.`,
    );
  }
  return sentences;
}

const quoted = (name: string): string => `“${name}”`;

const named = (names: readonly string[]): string => some(names.map(quoted));

/** The first few of several. */
function some(texts: readonly string[]): string {
  const first = texts.slice(0, 3).join(', ');
  return texts.length > 3 ? `${first} and ${texts.length - 3} more` : first;
}

/** Where the pictures of a set of equal ones are: “a.png” and “b.png” in “cat” and “a.png” in “dog”. */
function placesIn(set: readonly KeptPicture[], classNames: readonly string[]): string {
  return [...new Set(set.map(({ label }) => label))]
    .map((label) => {
      const names = new Set(set.flatMap((picture) => (picture.label === label ? [picture.name] : [])));
      return `${[...names].slice(0, 2).map(quoted).join(' and ')} in ${quoted(classNames[label])}`;
    })
    .join(' and ');
}

/** Whether equal pictures are of several classes. */
export const isContradictory = (set: readonly KeptPicture[]): boolean =>
  set.some(({ label }) => label !== set[0].label);

/** Of equal pictures of one class the first stays. Those of several classes all stay: which class is right, nobody knows. */
export function withoutDuplicates(catalog: Catalog): Catalog {
  const surplus = duplicates(catalog).flatMap((set) => (isContradictory(set) ? [] : set.slice(1)));
  return without(catalog, new Set(surplus.map(({ id }) => id)));
}

/** Without the pictures that are in more than one class. */
export function withoutContradictions(catalog: Catalog): Catalog {
  const all = duplicates(catalog).filter(isContradictory).flat();
  return without(catalog, new Set(all.map(({ id }) => id)));
}

/** Why a catalog cannot be trained on yet; undefined where it can. */
export function obstacle(catalog: Catalog): string | undefined {
  const test = testPictures(catalog);
  const counts = classCounts(catalog, test);
  const filled = counts.filter(({ train }) => train > 0).length;
  if (filled < 2) return 'Training needs pictures of two classes at least.';
  const empty = catalog.classNames.filter((_, i) => counts[i].train === 0);
  if (empty.length > 0)
    return `${named(empty)} ${empty.length === 1 ? 'has' : 'have'} no training pictures. Add some, or delete the class.`;
  if (!test.includes(true))
    return 'There are no test pictures, which show what was learned. Choose a larger share for the test.';
  return undefined;
}

/**
 * A catalog that was kept.
 *
 * @throws Error for what is none
 */
export function parseCatalog(text: string): Catalog {
  const found = JSON.parse(text) as Partial<Catalog>;
  if (!Array.isArray(found.classNames) || !Array.isArray(found.pictures))
    throw new Error('the list of pictures that the Studio had kept is damaged');
  return { ...emptyCatalog, ...found };
}
