/** Where names of a file are looked up. */
import { quote } from '../../tensor/shorten.js';
import type { AttributeProto } from '../onnx_pb.js';
import type { Uses } from './foreign-model.js';
import { HopelessError } from './import-error.js';
import type { Known } from './known.js';

/** Where names are looked up: the graph, a function's body, or a branch, which sees what is around it. */
export interface Frame {
  /** Told apart from other calls of the same function. */
  readonly prefix: string;
  readonly values: Map<string, Known>;
  readonly outer?: Frame;
  readonly operatorSet: number;
  /** What a function was called with. */
  readonly attributes?: ReadonlyMap<string, AttributeProto>;
  readonly uses: Uses;
  readonly depth: number;
}

/** What is known of a name. @throws HopelessError where there is none */
export function find(frame: Frame, name: string, user: string): Known {
  for (let at: Frame | undefined = frame; at; at = at.outer) {
    const known = at.values.get(name);
    if (known) return known;
  }
  throw new HopelessError(`${user} refers to ${quote(name)}, which nothing before it computes`);
}

/** The name of a value among those of all frames. */
export function keyOf(frame: Frame, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  let at: Frame | undefined = frame;
  while (at && !at.values.has(name)) at = at.outer;
  return at && `${at.prefix}${name}`;
}
