/** What configurations name with its options, read from a file. */
import type { Json } from '../optim/transform.js';
import * as check from './json-check.js';
import type { Described } from './run-config.js';

/** No option of a model is larger; a damaged file must not make one that takes all memory. */
export const LARGEST_OPTION = 65_536;

/** A name with its options. @throws CheckpointError for an entry that is none */
export function describedAt<T>(
  value: unknown,
  place: string,
  element: (value: unknown, place: string) => T,
): Described<T> {
  const { name, config } = check.record(value, place);
  return {
    name: check.text(name, `${place}.name`),
    config: check.dictionary(config, `${place}.config`, element),
  };
}

/** Whatever JSON holds: who makes a transform of it checks it. */
export const json = (value: unknown): Json => value as Json;
