/** What kinds of parameters a model has: what groups choose by. */
import type { Value } from '../graph/graph.js';
import { findHeads } from './head.js';
import type { TracedModel } from './model.js';

/** The operators whose second input is the weight of a layer. */
const layers = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Linear']);

/**
 * The kinds of each parameter: what it is to its layer (`weight`, `bias`, `norm`, `embedding`), and `first` or `head` for
 * all parameters of the first layer that has weights, in the order of the graph, and of those that make the logits: the
 * last one, or several whose results are added.
 */
export function parameterKinds({ graph, parameters, logits }: TracedModel): Map<string, ReadonlySet<string>> {
  const names = new Map([...parameters].map(([name, { value }]) => [value, name]));
  const parameterOf = (value: Value | null | undefined): Value | undefined => {
    if (!value) return undefined;
    const turned = value.producer?.opType === 'Transpose' ? value.producer.inputs[0] : undefined;
    return [value, turned].find((one) => one && names.has(one)) ?? undefined;
  };
  const found = graph.nodes.flatMap(({ opType, inputs }) => {
    const weight = layers.has(opType) ? parameterOf(inputs[1]) : undefined;
    const bias = parameterOf(inputs[2]);
    return weight ? [{ input: weight.name, weight: names.get(weight)!, bias: bias && names.get(bias) }] : [];
  });
  /** The parameters of a layer: those of its place, or where names have no places, its weight and its shift. */
  const membersOf = (layer: (typeof found)[number] | undefined): ((name: string) => boolean) => {
    if (!layer) return () => false;
    const place = placeOf(layer.weight);
    return (name) =>
      name === layer.weight || name === layer.bias || (place !== '' && placeOf(name) === place);
  };
  const heads = new Set(findHeads(logits, graph).map(({ weight }) => weight));
  const last = found.filter(({ input }) => heads.has(input));
  const isFirst = membersOf(found.at(0));
  const inHead = (last.length > 0 ? last : found.slice(-1)).map(membersOf);
  return new Map(
    [...parameters].map(([name, { kind }]) => {
      const kinds = [
        kind,
        ...(isFirst(name) ? ['first'] : []),
        ...(inHead.some((isMember) => isMember(name)) ? ['head'] : []),
      ];
      return [name, new Set(kinds)];
    }),
  );
}

/** The path of the layer that a parameter is of, with the dot behind it. */
const placeOf = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);
