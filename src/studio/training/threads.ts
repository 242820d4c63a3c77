/** How many threads there are to train with, and what to say about it. */

/** More threads than this gain nothing at the sizes that train in a tab. */
const MOST_THREADS = 8;

/** One where the page is not isolated from other origins, since browsers then give it no shared memory. */
export const threads: number = globalThis.crossOriginIsolated
  ? Math.min(navigator.hardwareConcurrency, MOST_THREADS)
  : 1;
