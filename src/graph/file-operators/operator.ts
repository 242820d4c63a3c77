/** What reads a node of a file, and short ways to write it. */
import type { FileNode } from '../file-node.js';
import type { Value } from '../graph.js';

/** Adds a node of a file to the graph, and gives one value for each of its results. */
export type FileOperator = (node: FileNode) => readonly Value[];

/** Operators by their names. */
export type FileOperators = Readonly<Record<string, FileOperator>>;

export const unary =
  (build: (x: Value) => Value): FileOperator =>
  (node) => [build(node.input(0))];

export const binary =
  (build: (a: Value, b: Value) => Value): FileOperator =>
  (node) => [build(node.input(0), node.input(1))];

export const variadic =
  (build: (values: readonly Value[]) => Value): FileOperator =>
  (node) => [build(node.inputs())];
