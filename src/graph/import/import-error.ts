/** What stands in the way of reading a foreign file, all of it at once. */
import { quote, shorten } from '../../tensor/shorten.js';
import { GraphError } from '../graph.js';

/** Something in a file that is not read. */
export interface ImportProblem {
  readonly operator: string;
  /** Absent where the operator is not known at all. */
  readonly reason?: string;
  readonly nodes: readonly string[];
}

/** A file that cannot be read in full; the message names everything that stands in the way. */
export class ImportError extends GraphError {
  override name = 'ImportError';
  readonly problems: readonly ImportProblem[];

  constructor(problems: readonly ImportProblem[]) {
    super(describeProblems(problems));
    this.problems = problems;
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
    return `${quote(operator)} (${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}: ${names.join(', ')}${more})${why}`;
  });
  const more = problems.length - listed.length;
  return `the model holds what cannot be read: ${listed.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** A file that nothing can be made of, however many nodes of it can be read. */
export class HopelessError extends GraphError {}

/** An operator that there is no builder for. */
export class UnknownOperatorError extends GraphError {}
