/** Changes of JSON that leave it JSON, mostly: values of other types and sizes, names twice, deep nesting. */
import type { Random } from '../random/random.js';
import { pick } from './mutate-bytes.js';

/** JSON as it is written, so that a name can stand in it twice and a number can be one that JavaScript has not. */
type Node =
  | { kind: 'object'; entries: [name: string, value: Node][] }
  | { kind: 'list'; items: Node[] }
  | { kind: 'text'; text: string };

const text = (written: string): Node => ({ kind: 'text', text: written });

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(nodeOf) };
  if (typeof value === 'object' && value !== null)
    return {
      kind: 'object',
      entries: Object.entries(value).map(([name, inner]) => [name, nodeOf(inner)]),
    };
  return text(JSON.stringify(value));
}

function write(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'list':
      return `[${node.items.map(write).join()}]`;
    case 'object':
      return `{${node.entries.map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join()}}`;
  }
}

const names = ['', '__proto__', 'constructor', 'toString', '__metadata__', 'length', '0', '\ud800', 'a/b'];

const numbers = [
  '0',
  '-0',
  '1',
  '-1',
  '0.5',
  '4',
  '255',
  '65536',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '18446744073709551616',
  '1e308',
  '1e999',
  '-1e999',
  '5e-324',
];

const words = [
  '""',
  '"x"',
  '"__proto__"',
  '"F32"',
  '"\\ud800"',
  '"\\u0000"',
  '"\\u001b[31m"',
  'null',
  'true',
  'false',
];

/** Any value, small or absurd. */
function strange(random: Random): Node {
  switch (random.integer(8)) {
    case 0:
      return text('['.repeat(1000) + ']'.repeat(1000));
    case 1:
      return text(`"${'x'.repeat(10_000)}"`);
    case 2:
      return { kind: 'object', entries: [[pick(random, names), text(pick(random, numbers))]] };
    case 3:
      return {
        kind: 'list',
        items: Array.from({ length: random.integer(40) }, () => text(pick(random, numbers))),
      };
    case 4:
    case 5:
      return text(pick(random, words));
    default:
      return text(pick(random, numbers));
  }
}

/** A node of the tree in its place. */
interface Place {
  readonly node: Node;
  readonly put: (...nodes: Node[]) => void;
  readonly rename?: (name: string) => void;
}

function places(root: Node, put: (...nodes: Node[]) => void, found: Place[] = []): Place[] {
  found.push({ node: root, put });
  if (root.kind === 'list') {
    const { items } = root;
    items.forEach((item) => {
      places(item, (...nodes) => items.splice(items.indexOf(item), 1, ...nodes), found);
    });
  } else if (root.kind === 'object') {
    const { entries } = root;
    entries.forEach((entry) => {
      const [name, value] = entry;
      const at = found.length;
      places(
        value,
        (...nodes) =>
          entries.splice(entries.indexOf(entry), 1, ...nodes.map((node): [string, Node] => [name, node])),
        found,
      );
      found[at] = { ...found[at], rename: (other) => (entry[0] = other) };
    });
  }
  return found;
}

function edit(root: Node, random: Random): Node {
  let result = root;
  const all = places(root, (...nodes) => {
    if (nodes.length > 0) [result] = nodes;
  });
  const { node, put, rename } = pick(random, all);
  switch (random.integer(9)) {
    case 0:
    case 1:
    case 2:
      put(strange(random));
      break;
    case 3:
      put();
      break;
    case 4:
      put(node, node);
      break;
    case 5:
      // A copy, since it may be what this is in.
      put(copy(pick(random, all).node));
      break;
    case 6:
      put(
        random.integer(2) === 0
          ? { kind: 'list', items: [node] }
          : { kind: 'object', entries: [['a', node]] },
      );
      break;
    case 7:
      if (rename) rename(pick(random, names));
      else put(...Array.from({ length: 2 + random.integer(100) }, () => node));
      break;
    default: {
      // A number near the one that was there.
      const number = node.kind === 'text' ? Number(node.text) : NaN;
      const near = pick(random, [number + 1, number - 1, -number, number * 2, number / 3, number * 1e6]);
      put(Number.isNaN(number) ? strange(random) : text(String(near)));
    }
  }
  return result;
}

/** A changed copy of a value as JSON text: one to three edits. */
export function mutateJson(value: unknown, random: Random): string {
  let root = nodeOf(value);
  const count = 1 + random.integer(3);
  // Copied between, so that a node that stands in two places is two nodes.
  for (let i = 0; i < count; i++) root = edit(copy(root), random);
  const written = write(root);
  return random.integer(20) === 0 ? written.slice(0, random.integer(written.length + 1)) : written;
}

function copy(node: Node): Node {
  switch (node.kind) {
    case 'text':
      return { ...node };
    case 'list':
      return { kind: 'list', items: node.items.map(copy) };
    case 'object':
      return { kind: 'object', entries: node.entries.map(([name, value]) => [name, copy(value)]) };
  }
}
