/** What a page is asked to measure. */
import type { CaseDescription } from '../cases.js';

/** Backends of tract-ts: WebAssembly with plain operators, and with the lowering that is for it. */
export const PLAIN = 'plain';
export const LOWERED = 'lowered';

/** The libraries that are measured in pages. */
export type PageLibrary = 'tract-ts' | 'TensorFlow.js' | 'jax-js';

export interface PageRequest {
  readonly library: PageLibrary;
  /** The name of the case. */
  readonly name: string;
  readonly description: CaseDescription;
  /** As the library calls it. */
  readonly backend: string;
  /** Of WebAssembly. */
  readonly threads: number;
}
