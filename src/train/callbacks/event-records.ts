/**
 * TensorBoard's event files: a sequence of records in the TFRecord format, each a message `Event` of
 * tensorflow/core/util/event.proto.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A figure under a name. */
export type Scalar = readonly [tag: string, value: number];

/** A picture under a name. */
export interface TensorBoardImage {
  readonly tag: string;
  /** The bytes of a PNG file. */
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The record that every event file begins with. */
export function versionRecord(wallTime: number): Uint8Array {
  return record(
    event(wallTime, 0, (writer) => writer.tag(3, WireType.LengthDelimited).string('brain.Event:2')),
  );
}

/** A run goes on behind `step`: whatever older files have of later steps, TensorBoard drops (`SessionLog.START`). */
export function startRecord(wallTime: number, step: number): Uint8Array {
  return record(
    event(wallTime, step, (writer) =>
      writer.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1).join(),
    ),
  );
}

/** Figures of a step: a `Summary` with a `simple_value` for each. @param wallTime in seconds since 1970 */
export function scalarsRecord(wallTime: number, step: number, scalars: readonly Scalar[]): Uint8Array {
  return record(
    event(wallTime, step, (writer) => {
      writer.tag(5, WireType.LengthDelimited).fork();
      for (const [tag, value] of scalars) {
        writer.tag(1, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.LengthDelimited).string(tag).tag(2, WireType.Bit32).float(Math.fround(value));
        writer.join();
      }
      return writer.join();
    }),
  );
}

/** Pictures of a step: a `Summary` with an `image` for each. @param wallTime in seconds since 1970 */
export function imagesRecord(
  wallTime: number,
  step: number,
  images: readonly TensorBoardImage[],
): Uint8Array {
  return record(
    event(wallTime, step, (writer) => {
      writer.tag(5, WireType.LengthDelimited).fork();
      for (const { tag, png, width, height } of images) {
        writer.tag(1, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.LengthDelimited).string(tag).tag(4, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.Varint).int32(height).tag(2, WireType.Varint).int32(width);
        // RGBA
        writer.tag(3, WireType.Varint).int32(4).tag(4, WireType.LengthDelimited).bytes(png);
        writer.join().join();
      }
      return writer.join();
    }),
  );
}

/** A graph. @param graph the bytes of a `GraphDef` */
export function graphRecord(wallTime: number, graph: Uint8Array): Uint8Array {
  return record(event(wallTime, 0, (writer) => writer.tag(4, WireType.LengthDelimited).bytes(graph)));
}

function event(wallTime: number, step: number, what: (writer: BinaryWriter) => BinaryWriter): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(wallTime).tag(2, WireType.Varint).int64(step);
  return what(writer).finish();
}

/** TFRecord: length (uint64), its checksum, the data, their checksum; little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedChecksum(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedChecksum(data), true);
  return bytes;
}

/** CRC-32C (Castagnoli), reflected, of each byte. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
  return remainder;
});

/** TFRecord's mask keeps the checksum of bytes that hold checksums from being trivial. */
function maskedChecksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
