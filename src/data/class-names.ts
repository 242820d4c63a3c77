/** Whether a dataset has the classes that a model was trained on. */
import { DataError } from './data-error.js';

/**
 * Checks that two lists of class names are equal: a model's figure on other classes, or on the same in another order,
 * means nothing.
 *
 * @param trained the names that the model was trained on, in the order of its logits
 * @param model what it is called in the message
 * @throws DataError naming the difference
 */
export function checkClassNames(
  trained: readonly string[],
  { name, classNames }: { readonly name: string; readonly classNames: readonly string[] },
  model: string,
): void {
  const length = Math.max(trained.length, classNames.length);
  const label = Array.from({ length }, (_, i) => i).find((i) => trained[i] !== classNames[i]);
  if (label === undefined) return;
  if (trained.length !== classNames.length) {
    throw new DataError(
      `${name} has ${classNames.length} classes, but ${model} was trained on ${trained.length}. Use the dataset it was trained on.`,
    );
  }
  const which = trained.every((each) => classNames.includes(each))
    ? 'the classes in another order'
    : 'other classes';
  throw new DataError(
    `${name} has ${which} than ${model} was trained on: class ${label} is ${JSON.stringify(classNames[label])}, not ${JSON.stringify(trained[label])}. Use the dataset it was trained on.`,
  );
}
