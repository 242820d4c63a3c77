/** Several pieces of bytes and what is said of them in one file, so that they are replaced together. */

const LENGTH_BYTES = 4;
/** No header that is written here is longer. */
const LONGEST_HEADER = 256e6;

interface Header {
  readonly about: unknown;
  readonly sizes: readonly number[];
}

export function packParts(about: unknown, parts: readonly Uint8Array[]): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({ about, sizes: parts.map(({ length }) => length) } satisfies Header),
  );
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, LENGTH_BYTES + header.length));
  new DataView(all.buffer).setUint32(0, header.length, true);
  all.set(header, LENGTH_BYTES);
  let end = LENGTH_BYTES + header.length;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/** @throws Error for bytes that `packParts` has not made */
export function unpackParts(bytes: Uint8Array): { readonly about: unknown; readonly parts: Uint8Array[] } {
  const damaged = new Error('a file that the Studio had kept is damaged');
  if (bytes.length < LENGTH_BYTES) throw damaged;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  let end = LENGTH_BYTES + length;
  if (length > LONGEST_HEADER || end > bytes.length) throw damaged;
  let header: Header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, end))) as Header;
  } catch (cause) {
    throw new Error(damaged.message, { cause });
  }
  const { about, sizes } = header;
  if (!Array.isArray(sizes)) throw damaged;
  const parts = (sizes as number[]).map((size) => {
    const part = bytes.subarray(end, (end += size));
    if (!(size >= 0) || part.length !== size) throw damaged;
    return part;
  });
  return { about, parts };
}
