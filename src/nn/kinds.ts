/** What kinds of parameters a model has: what groups choose by. */
import type { Value } from '../graph/graph.js';
import type { TracedModel } from './model.js';

/** The operators whose second input is the weight of a layer. */
const layers = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Linear']);

/**
 * The kinds of each parameter: what it is to its layer (`weight`, `bias`, `norm`, `embedding`), and `first` or `head` for
 * all parameters of the first and of the last layer that has weights, in the order of the graph.
 */
export function parameterKinds({ graph, parameters }: TracedModel): Map<string, ReadonlySet<string>> {
  const names = new Map([...parameters].map(([name, { value }]) => [value, name]));
  const nameOf = (value: Value | null | undefined): string | undefined => {
    if (!value) return undefined;
    const turned = value.producer?.opType === 'Transpose' ? value.producer.inputs[0] : undefined;
    return names.get(value) ?? (turned ? names.get(turned) : undefined);
  };
  const found = graph.nodes.flatMap(({ opType, inputs }) => {
    const weight = layers.has(opType) ? nameOf(inputs[1]) : undefined;
    return weight === undefined ? [] : [{ weight, bias: nameOf(inputs[2]) }];
  });
  /** The parameters of a layer: those of its place, or where names have no places, its weight and its shift. */
  const membersOf = (layer: (typeof found)[number] | undefined): ((name: string) => boolean) => {
    if (!layer) return () => false;
    const place = placeOf(layer.weight);
    return (name) =>
      name === layer.weight || name === layer.bias || (place !== '' && placeOf(name) === place);
  };
  const [isFirst, isHead] = [membersOf(found.at(0)), membersOf(found.at(-1))];
  return new Map(
    [...parameters].map(([name, { kind }]) => {
      const kinds = [kind, ...(isFirst(name) ? ['first'] : []), ...(isHead(name) ? ['head'] : [])];
      return [name, new Set(kinds)];
    }),
  );
}

/** The path of the layer that a parameter is of, with the dot behind it. */
const placeOf = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);
