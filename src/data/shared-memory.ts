/** Memory that worker threads read in place. */

/**
 * Zero-filled bytes in shared memory, or in ordinary memory where there is none to share (a browser page that is
 * not cross-origin isolated).
 */
export function allocateShared(length: number): Uint8Array {
  return typeof SharedArrayBuffer === 'undefined'
    ? new Uint8Array(length)
    : new Uint8Array(new SharedArrayBuffer(length));
}

/** The same bytes in shared memory; copied only where they are not. */
export function sharedBytes(bytes: Uint8Array): Uint8Array {
  return isShared(bytes) ? bytes : copied(bytes, allocateShared(bytes.length));
}

/** The same labels in shared memory, as bytes where they fit, else as uint16 or int32. */
export function sharedLabels(labels: ArrayLike<number>): Labels {
  const typed = labels instanceof Uint8Array || labels instanceof Uint16Array || labels instanceof Int32Array;
  if (typed && isShared(labels)) return labels;
  let most = 0;
  for (let i = 0; i < labels.length; i++) most = Math.max(most, labels[i] < 0 ? Infinity : labels[i]);
  const count = labels.length;
  if (most < 256) return copied(labels, allocateShared(count));
  if (most < 65_536) return copied(labels, new Uint16Array(allocateShared(2 * count).buffer));
  return copied(labels, new Int32Array(allocateShared(4 * count).buffer));
}

/** The arrays that labels are kept in. */
export type Labels = Uint8Array | Uint16Array | Int32Array;

function copied<T extends Labels>(values: ArrayLike<number>, target: T): T {
  target.set(values);
  return target;
}

const isShared = ({ buffer }: ArrayBufferView): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
