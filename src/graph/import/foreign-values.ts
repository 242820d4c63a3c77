/** What is known of a foreign file without its protobuf. */
import type { DType } from '../../tensor/tensor.js';

/** An input or an output of a file. */
export interface ForeignValue {
  readonly name: string;
  /** What its elements are read as. */
  readonly dtype: DType;
  /** Lengths, and the names of open ones; null for those without a name. Undefined where the file does not say. */
  readonly shape: readonly (number | string | null)[] | undefined;
}

/** What a tensor of a file is called. */
export interface GivenName {
  readonly name: string;
  /** Whether the file holds the matrix with its axes exchanged. */
  readonly transposed: boolean;
}

/**
 * Gives the bytes of a file beside the model.
 *
 * @param location its name as the model has it
 * @param length undefined for all bytes behind the offset
 * @throws GraphError where there is none, or it may not be read
 */
export type ExternalData = (location: string, offset: number, length: number | undefined) => Uint8Array;
