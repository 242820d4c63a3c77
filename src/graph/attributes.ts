/** The attributes of nodes: numbers, lists of numbers and texts, each with its ONNX type. */

/** One attribute of a node, with its ONNX type. */
export type Attribute =
  | { readonly type: 'int' | 'float'; readonly value: number }
  | { readonly type: 'ints' | 'floats'; readonly value: readonly number[] }
  | { readonly type: 'string'; readonly value: string };

/** A node's attributes by their names. */
export type Attributes = Readonly<Record<string, Attribute>>;

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const string = (value: string): Attribute => ({ type: 'string', value });

/**
 * A text that is the same for two sets of attributes exactly if they have the same names, types and values, in any
 * order. Numbers are told apart as `Object.is` does it: -0 is not 0, NaN is itself, and infinities keep their sign.
 */
export function attributesKey(attributes: Attributes): string {
  const exact = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
  const entries = Object.entries(attributes).map(([name, { type, value }]) => [
    name,
    type,
    typeof value === 'string' ? value : typeof value === 'number' ? exact(value) : value.map(exact),
  ]);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
