/** Einstein's summation: products of tensors by named axes. */
import { string } from '../attributes.js';
import { GraphError, type Value, describe } from '../graph.js';

/** An equation with a letter for every axis. */
export interface EinsumTerms {
  /** The letters of each operand's axes. */
  readonly inputs: readonly string[];
  readonly output: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** The longest equation. */
const MAXIMUM_LENGTH = 500;

const refuse = (equation: string, why: string): GraphError =>
  new GraphError(`Einsum: the equation ${JSON.stringify(equation.slice(0, 80))} ${why}`);

/** An equation whose operands have the given numbers of axes, with letters in the place of dots. */
function termsOf(equation: string, ranks: readonly number[]): EinsumTerms {
  const written = equation.replaceAll(' ', '');
  const match = /^([A-Za-z.]*(?:,[A-Za-z.]*)*)(?:->([A-Za-z.]*))?$/.exec(written);
  if (!match || equation.length > MAXIMUM_LENGTH) throw refuse(equation, 'is none');
  const [, left, right] = match as unknown as [string, string, string | undefined];
  const terms = left.split(',');
  if (terms.length !== ranks.length) throw refuse(equation, `is not for ${ranks.length} operands`);
  const free = Array.from(LETTERS).filter((letter) => !written.includes(letter));
  const dots = terms.map((term, i) => {
    if (!term.includes('.')) return 0;
    if (!/^[A-Za-z]*\.\.\.[A-Za-z]*$/.test(term)) throw refuse(equation, 'is none');
    return ranks[i] - (term.length - 3);
  });
  const most = Math.max(...dots);
  if (Math.min(...dots) < 0 || most > free.length) throw refuse(equation, 'has more axes than an operand');
  // Dots are aligned at the last of their axes, as in broadcasting.
  const broadcast = free.slice(0, most).join('');
  const inputs = terms.map((term, i) => term.replace('...', broadcast.slice(most - dots[i])));
  inputs.forEach((term, i) => {
    if (term.length !== ranks[i])
      throw refuse(equation, `has ${term.length} axes for an operand with ${ranks[i]}`);
  });
  if (right !== undefined && right.includes('.') && !/^[A-Za-z]*\.\.\.[A-Za-z]*$/.test(right))
    throw refuse(equation, 'is none');
  const all = inputs.join('');
  // Without a result it has the letters that come once, in alphabetical order, behind the dots.
  const once = [...new Set(left.replaceAll(/[.,]/g, ''))]
    .filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter))
    .sort();
  const output = right === undefined ? broadcast + once.join('') : right.replace('...', broadcast);
  const letters = Array.from(output);
  if (new Set(letters).size < letters.length || letters.some((letter) => !all.includes(letter)))
    throw refuse(equation, 'has axes in its result that no operand has, or one twice');
  return { inputs, output };
}

/**
 * ONNX Einsum-12.
 *
 * @param equation such as `bhid,bhjd->bhij`, or with `...` for axes that broadcast; a letter that comes twice in one
 *   operand takes its diagonal
 */
export function einsum(equation: string, operands: readonly Value[]): Value {
  const terms = termsOf(
    equation,
    operands.map(({ shape }) => shape.length),
  );
  const lengths = new Map<string, number>();
  const [{ dtype, graph }] = operands;
  operands.forEach((operand, i) => {
    Array.from(terms.inputs[i]).forEach((letter, axis) => {
      const [known, length] = [lengths.get(letter), operand.shape[axis]];
      const diagonal = operand.shape[terms.inputs[i].indexOf(letter)] === length;
      const broadcasts = known === undefined || known === length || known === 1 || length === 1;
      if (operand.dtype !== dtype || !diagonal || !broadcasts)
        throw refuse(equation, `does not fit ${describe(...operands)}`);
      lengths.set(letter, Math.max(known ?? 1, length));
    });
  });
  const shape = Array.from(terms.output).map((letter) => lengths.get(letter)!);
  const explicit = `${terms.inputs.join()}->${terms.output}`;
  return graph.add('Einsum', operands, { equation: string(explicit) }, [{ dtype, shape }])[0];
}

/** The letters of an Einsum node, which has no dots. */
export function einsumTerms(equation: string): EinsumTerms {
  const [left, output] = equation.split('->');
  return { inputs: left.split(','), output };
}
