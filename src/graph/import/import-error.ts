/** What stands in the way of reading a foreign file, all of it at once. */
import { counted } from '../../tensor/counted.js';
import { quote, shorten } from '../../tensor/shorten.js';
import { GraphError, type Node, type Value } from '../graph.js';
import type { ForeignValue } from './foreign-values.js';

/** Something in a file that is not read. */
export interface ImportProblem {
  readonly operator: string;
  /** Absent where the operator is not known at all. */
  readonly reason?: string;
  readonly nodes: readonly string[];
}

/** What is known of a file that cannot be read in full. */
export interface ImportFindings {
  /** What wrote it. */
  readonly producer: string;
  readonly operatorSet: number;
  readonly inputs: readonly ForeignValue[];
  readonly outputs: readonly ForeignValue[];
  readonly initializers: { readonly tensors: number; readonly elements: number };
  /** How many nodes of each operator its outputs need, read or not; those that are computed on the way not counted. */
  readonly operators: ReadonlyMap<string, number>;
  readonly folded: number;
  /** Nodes behind those that cannot be read: of these no more is known than their operators. */
  readonly behind: number;
  /** The values that unread nodes take: up to here it was read. */
  readonly ends: readonly Value[];
  /** What a node that was read is called in the file. */
  readonly nodeName: (node: Node) => string | undefined;
}

/** A file that cannot be read in full; the message names everything that stands in the way. */
export class ImportError extends GraphError {
  override name = 'ImportError';
  readonly problems: readonly ImportProblem[];
  readonly found: ImportFindings;

  constructor(problems: readonly ImportProblem[], found: ImportFindings) {
    super(describeProblems(problems));
    this.problems = problems;
    this.found = found;
  }
}

/** How many problems, and how many nodes of each, a message names. */
const MOST_PROBLEMS = 20;
const MOST_NODES = 3;

function describeProblems(problems: readonly ImportProblem[]): string {
  const listed = problems.slice(0, MOST_PROBLEMS).map(({ operator, reason, nodes }) => {
    const names = nodes.slice(0, MOST_NODES).map((name) => quote(name));
    const more = nodes.length > names.length ? ` and ${nodes.length - names.length} more` : '';
    const why = reason === undefined ? '' : `: ${shorten(reason, 300)}`;
    return `${quote(operator)} (${counted(nodes.length, 'node')}: ${names.join(', ')}${more})${why}`;
  });
  const more = problems.length - listed.length;
  return `the model holds what cannot be read: ${listed.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** A file that nothing can be made of, however many nodes of it can be read. */
export class HopelessError extends GraphError {}

/** An operator that there is no builder for. */
export class UnknownOperatorError extends GraphError {}
