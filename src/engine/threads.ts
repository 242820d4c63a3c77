/** How many threads one operator has. */
import { counted } from '../tensor/counted.js';
import { isNative } from './device.js';

/** Threads of one operator, and why that many. */
export interface Threads {
  /** Undefined natively where nothing is asked for: ONNX Runtime takes one a core. */
  readonly count: number | undefined;
  /** A sentence for people. */
  readonly reason: string;
}

/** More of them help little in a step of small networks, and a page is not alone. */
const MOST_IN_A_PAGE = 4;

/**
 * The threads that training has here. In a browser they need a page that is cross-origin isolated; elsewhere there is
 * one. The number is that of the first session made in a page; later ones have the same threads.
 *
 * @param wanted default: natively one a core, in a browser one a logical processor, four at most
 */
export function threadsHere(wanted?: number): Threads {
  if (isNative) {
    return {
      count: wanted,
      reason: `the CPU computes with ${wanted === undefined ? 'one thread a core' : `threads: ${wanted}`}`,
    };
  }
  // Neither is there in every browser.
  const { crossOriginIsolated, navigator } = globalThis as {
    crossOriginIsolated?: boolean;
    navigator?: { hardwareConcurrency?: number };
  };
  if (crossOriginIsolated !== true) {
    return {
      count: 1,
      reason:
        'WebAssembly runs on one thread: the page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
    };
  }
  const count = wanted ?? Math.min(MOST_IN_A_PAGE, navigator?.hardwareConcurrency ?? 1);
  return { count, reason: `WebAssembly runs on ${counted(count, 'thread')}` };
}
