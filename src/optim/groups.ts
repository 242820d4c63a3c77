/** Parameter groups: which parameters are trained, and how. */
import { isNumbered } from '../graph/import/weight-names.js';
import { OptionError } from '../tensor/option-error.js';
import type { Optimizer } from './optimizer.js';

/** A parameter, as groups tell it from others. */
export interface GroupedParameter {
  readonly name: string;
  /** Such as `weight`, `bias`, `norm`, `embedding`, and `first` or `head` for those of the first and last layer. */
  readonly kinds: ReadonlySet<string>;
}

/**
 * Which parameters: a kind, the path of a layer or parameter (`layer1` means all below it), a pattern in which `*`
 * stands for any text, several of these, or a function.
 */
export type Selector = string | readonly string[] | ((parameter: GroupedParameter) => boolean);

/** Parameters that are trained in another way than the rest. */
export interface ParameterGroup {
  readonly parameters: Selector;
  /**
   * Whether they are trained; gradients of others are not computed. A batch norm whose parameters are all not trained
   * normalises by its running statistics, which stay as they are. Default true.
   */
  readonly trainable?: boolean;
  /** What the learning rate is multiplied by. Default 1. */
  readonly learningRateFactor?: number;
  /** In place of the optimizer's own. */
  readonly weightDecay?: number;
  /** In place of the common one; with it comes its own learning rate. */
  readonly optimizer?: Optimizer;
}

/** How one parameter is trained. */
export interface Assignment {
  readonly trainable: boolean;
  readonly learningRateFactor: number;
  readonly weightDecay?: number;
  readonly optimizer: Optimizer;
}

/**
 * How each parameter is trained: by the first group that it is in, else by the optimizer as it is.
 *
 * @throws OptionError for a group that no parameter is in, or of which nobody knows whether it means weights that have a
 *   number for a name; or for a factor or weight decay out of range
 */
export function assignGroups(
  parameters: readonly GroupedParameter[],
  groups: readonly ParameterGroup[],
  optimizer: Optimizer,
): ReadonlyMap<string, Assignment> {
  const result = new Map<string, Assignment>(
    parameters.map(({ name }) => [name, { trainable: true, learningRateFactor: 1, optimizer }]),
  );
  const taken = new Set<string>();
  for (const group of groups) {
    const { trainable = true, learningRateFactor = 1, weightDecay, optimizer: own = optimizer } = group;
    checkMeaning(group.parameters, parameters);
    checkNumber('learningRateFactor', learningRateFactor);
    if (weightDecay !== undefined) checkNumber('weightDecay', weightDecay);
    const members = parameters.filter(selects(group.parameters));
    if (members.length === 0) throw new OptionError(nothingSelected(group.parameters, parameters));
    for (const { name } of members.filter((member) => !taken.has(member.name))) {
      taken.add(name);
      result.set(name, {
        trainable,
        learningRateFactor,
        optimizer: own,
        ...(weightDecay !== undefined && { weightDecay }),
      });
    }
  }
  return result;
}

function checkNumber(option: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new OptionError(`a parameter group's ${option} must be at least 0, not ${value}`);
}

/** Whether a selector means a parameter. */
export function selects(selector: Selector): (parameter: GroupedParameter) => boolean {
  if (typeof selector === 'function') return selector;
  const words = typeof selector === 'string' ? [selector] : selector;
  return ({ name, kinds }) =>
    words.some(
      (word) =>
        kinds.has(word) ||
        (word.includes('*') ? matches(name, word) : name === word || name.startsWith(`${word}.`)),
    );
}

/**
 * @throws OptionError for a path or pattern where an exporter numbered weights that may be below it: nobody knows whether it
 *   means them
 */
export function checkMeaning(selector: Selector, parameters: readonly GroupedParameter[]): void {
  if (typeof selector === 'function') return;
  const chosen = selects(selector);
  const open = parameters.filter((parameter) => isNumbered(parameter.name) && !chosen(parameter));
  if (open.length === 0) return;
  const word = [selector].flat().find((one) => {
    if (parameters.some(({ name, kinds }) => name === one || kinds.has(one))) return false;
    const end = one.slice(one.lastIndexOf('*') + 1);
    return (
      parameters.some(selects(one)) &&
      open.some(({ kinds }) => !one.includes('*') || mayEnd(kinds.has('bias') ? '.bias' : '.weight', end))
    );
  });
  if (word === undefined) return;
  const names = open.slice(0, 3).map(({ name }) => JSON.stringify(name));
  const more = open.length > names.length ? ` and ${open.length - names.length} more` : '';
  throw new OptionError(
    `nobody knows whether ${JSON.stringify(word)} means ${names.join(', ')}${more}, which the exporter of this model numbered; name every parameter in full, or kinds, or export the model for training`,
  );
}

/** Whether a name that has one of two ends may have the other, too. */
const mayEnd = (a: string, b: string): boolean => a.endsWith(b) || b.endsWith(a);

/** Whether a name is what a pattern describes; linear in both for each `*`. */
function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first] = parts;
  const last = parts.at(-1)!;
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last))
    return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}

function nothingSelected(selector: Selector, parameters: readonly GroupedParameter[]): string {
  const wanted = typeof selector === 'function' ? 'the function given' : JSON.stringify(selector);
  const kinds = new Set(parameters.flatMap((parameter) => [...parameter.kinds]));
  const names = parameters.slice(0, 8).map(({ name }) => name);
  const more = parameters.length > names.length ? ', …' : '';
  return `a parameter group selects nothing: no parameter is ${wanted}; there are the kinds ${[...kinds].join(', ')} and the parameters ${names.join(', ')}${more}`;
}
