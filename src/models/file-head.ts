/** New heads for a model out of a file: for another number of classes, or for other classes. */
import { GraphError } from '../graph/graph.js';
import type { GivenName } from '../graph/import/foreign-values.js';
import type { Head } from '../nn/head.js';
import { type DrawnInitializer, type Initializer, pytorchDefault, uniform } from '../nn/init.js';
import { OptionError } from '../tensor/option-error.js';
import { quote } from '../tensor/shorten.js';
import { elementCount } from '../tensor/tensor.js';
import type { FileModel } from './file-model-options.js';

/** A head that cannot be replaced, or is none. */
export class HeadError extends OptionError {
  override name = 'HeadError';
}

/**
 * The heads that are new: those that were named, or for another number of classes all of them.
 *
 * @param wanted their names, of the weight or its layer
 * @param inFile what weights are called in the file, where that is something else
 * @throws HeadError for a name that is none of a head, and where others would have to be new with those named
 */
export function newHeadsOf(
  heads: readonly Head[],
  wanted: readonly string[],
  classes: number,
  fileClasses: number,
  inFile: ReadonlyMap<string, GivenName>,
): readonly Head[] {
  const names = (some: readonly Head[]): string => some.map(({ weight }) => quote(weight)).join(', ');
  // What is the same for all classes stays as it is.
  const together = heads.filter(({ shape, outAxis }) => shape[outAxis] === fileClasses);
  if (wanted.length === 0) {
    if (classes === fileClasses) return [];
    if (together.length > 0) return together;
    throw new HeadError(
      `the model is of ${fileClasses} classes, and no layer before its output can be replaced for another number`,
    );
  }
  const found = wanted.map((name) => {
    const one = heads.find(({ weight }) =>
      [weight, inFile.get(weight)?.name].some((own) => own === name || own === `${name}.weight`),
    );
    if (one) return one;
    throw new HeadError(
      `head ${quote(name)} is no layer before the output; ${heads.length === 0 ? 'there is none' : `there are ${names(heads)}`}`,
    );
  });
  const left = together.filter((head) => !found.includes(head));
  if (classes !== fileClasses && left.length > 0)
    throw new HeadError(
      `head ${names(found)} cannot be replaced alone for ${classes} classes instead of ${fileClasses}: ${names(left)} makes the logits with it; name all of them, or none`,
    );
  return [...new Set(found)];
}

/** Looks at a model with new heads. @throws HeadError where it is no model for as many classes */
export function resizable<T>(look: () => T, classes: number, fileClasses: number): T {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof GraphError) || classes === fileClasses) throw error;
    throw new HeadError(
      `the model is of ${fileClasses} classes, and cannot be of ${classes}: ${error.message}`,
    );
  }
}

/**
 * Whether the logits of a model that keeps its head are of a dataset's classes, by the names in the file's metadata, where it
 * has any: shifted classes are learned and scored without a word.
 *
 * @throws HeadError naming the first class that differs
 */
export function checkFileClasses(
  { file: { classNames, newHeads, heads } }: Pick<FileModel, 'file'>,
  data: { readonly name: string; readonly classNames: readonly string[] },
): void {
  if (classNames?.length !== data.classNames.length || newHeads.length > 0) return;
  const label = data.classNames.findIndex((name, i) => name !== classNames[i]);
  if (label < 0) return;
  const known = new Set(classNames);
  const which = data.classNames.every((name) => known.has(name))
    ? 'the same classes in another order'
    : 'other classes';
  const layers = heads.map(({ weight }) => weight).join(',');
  const wayOut = layers === '' ? '' : `, or name the head for a new one: ${layers}`;
  throw new HeadError(
    `${data.name} has ${which} than the file of the model names: class ${label} is ${quote(data.classNames[label])}, not ${quote(classNames[label])}. Bring its classes to the names and the order of the file${wayOut}`,
  );
}

/** The tensors of heads in another size: how they begin. */
export type Resized = ReadonlyMap<string, Beginning>;

interface Beginning {
  readonly shape: readonly number[];
  readonly initializer: Initializer;
}

export function resized(heads: readonly Head[], classes: number): Resized {
  return new Map(
    heads.flatMap(({ weight, bias, shape, outAxis }): [string, Beginning][] => {
      const grown = shape.map((length, axis) => (axis === outAxis ? classes : length));
      const scale = uniform(1 / Math.sqrt(elementCount(shape) / shape[outAxis]));
      const draw: DrawnInitializer = outAxis === 0 ? pytorchDefault : scale;
      return [
        [weight, { shape: grown, initializer: draw }],
        ...(bias === undefined
          ? []
          : [[bias, { shape: [classes], initializer: scale }] as [string, Beginning]]),
      ];
    }),
  );
}
