/**
 * The names that a step graph gives its state: what it reads is the input `state/<name>`, what takes its place the
 * output `next/<name>`, and random numbers are `random/<name>`. No other input or output has a slash in its name, so that
 * a parameter may be called anything.
 */
import type { Graph, Value } from './graph.js';

/** The input that holds a tensor of the state. */
export function stateName(name: string): string {
  return `state/${name}`;
}

/** The output that holds its next value. */
export function nextName(name: string): string {
  return `next/${name}`;
}

/** Tensors of the state as the inputs that they are fed to. */
export function stateFeeds<T>(state: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [stateName(name), value]));
}

/** The output or input that holds a sum over the shards of a batch. */
export function sumName(name: string): string {
  return `sum/${name}`;
}

/** What comes behind a prefix, where the text has it. */
function behind(prefix: string, names: Iterable<string>): string[] {
  return [...names].flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** The names of the state that is among the inputs of a graph. */
export function stateAmong(inputs: Iterable<string>): string[] {
  return behind('state/', inputs);
}

/** The names of the state that a graph reads, and the outputs in which it gives what changes of it. */
export function stateNames(graph: Graph): { readonly state: string[]; readonly next: string[] } {
  return {
    state: stateAmong(graph.inputs.map(({ name }) => name)),
    next: behind('next/', graph.outputs.keys()).map(nextName),
  };
}

/** The sums that a graph gives, with their types. */
export function sumNames(graph: Graph): [string, Value][] {
  return behind('sum/', graph.outputs.keys()).map((name) => [name, graph.outputs.get(sumName(name))!]);
}
