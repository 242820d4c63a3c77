/** What is known of the values of a file while it is read. */
import type { Shape, Tensor } from '../../tensor/tensor.js';
import type { Value } from '../graph.js';
import type { AttributeReader } from './attribute-reader.js';

/** A value of the file. */
export type Known =
  /** Its elements do not depend on images or weights. */
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  /** A float initializer, which may be trained. */
  | {
      readonly kind: 'weight';
      readonly name: string;
      readonly tensor: Tensor;
      /** Whether the parameter of this name is the matrix with its axes exchanged. */
      readonly transposed?: boolean;
    }
  | { readonly kind: 'value'; readonly value: Value }
  /** Random numbers, of a graph for inference: uniform ones, or ones that are 1 with the given probability. */
  | { readonly kind: 'random'; readonly shape: Shape; readonly probability?: number }
  | { readonly kind: 'sequence'; readonly values: readonly Known[] }
  /** It depends on something that cannot be read, which was noted where it is; on lengths of that alone, if so said. */
  | { readonly kind: 'missing'; readonly lengths?: boolean };

/** A node of the file with what is known of its inputs. Older forms are turned into the present ones in place. */
export interface OperatorNode {
  opType: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** As the file has it, or made of what it computes. */
  readonly name: string;
  inputs: (Known | null)[];
  readonly attributes: AttributeReader;
  /** Names of its results; empty for those that are left out. */
  outputs: readonly string[];
}

/** The shape of a value, where it has one. */
export function shapeOf(known: Known): Shape | undefined {
  switch (known.kind) {
    case 'value':
      return known.value.shape;
    case 'random':
      return known.shape;
    case 'sequence':
    case 'missing':
      return undefined;
    default:
      return known.tensor.shape;
  }
}

/** The elements of a constant. */
export function constantOf(known: Known | null | undefined): Tensor | undefined {
  return known?.kind === 'constant' ? known.tensor : undefined;
}
