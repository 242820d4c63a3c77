/** Files that are written as a whole; data are kept in the same way. */
export * from '../data/atomic-write.js';
