/** What kinds of parameters a model has: what groups choose by. */
import type { TracedModel } from './model.js';

/** The operators whose second input is the weight of a layer. */
const layers = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Linear']);

/**
 * The kinds of each parameter: what it is to its layer (`weight`, `bias`, `norm`, `embedding`), and `first` or `head` for
 * all parameters of the first and of the last layer that has weights, in the order of the graph.
 */
export function parameterKinds({ graph, parameters }: TracedModel): Map<string, ReadonlySet<string>> {
  const names = new Map([...parameters].map(([name, { value }]) => [value, name]));
  const weights = graph.nodes.flatMap(({ opType, inputs }) => {
    const name = layers.has(opType) && inputs[1] ? names.get(inputs[1]) : undefined;
    return name === undefined ? [] : [name];
  });
  const place = (name: string | undefined): string | undefined => name?.slice(0, name.lastIndexOf('.') + 1);
  const [first, head] = [place(weights[0]), place(weights.at(-1))];
  return new Map(
    [...parameters].map(([name, { kind }]) => {
      const own = place(name);
      const kinds = [kind, ...(own === first ? ['first'] : []), ...(own === head ? ['head'] : [])];
      return [name, new Set(kinds)];
    }),
  );
}
