/** The bytes of an `.onnx` file as the messages that they are made of. */
import { fromBinary } from '@bufbuild/protobuf';
import { GraphError } from './graph.js';
import { type ModelProto, ModelProtoSchema } from './onnx_pb.js';
import { countParts } from './wire-parts.js';

/**
 * The most messages and elements of lists in a file, weights not counted; a decoded one takes up to 400 bytes. The
 * training step of a ResNet-50 has 151,000.
 */
const MAXIMUM_PARTS = 1_000_000;

/** Decodes a file, whose parts are counted before. @throws GraphError for what is no ONNX model */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    const parts = countParts(ModelProtoSchema, bytes, MAXIMUM_PARTS);
    if (parts > MAXIMUM_PARTS)
      throw new Error(`it has more than ${MAXIMUM_PARTS} nodes, attributes, types and names`);
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new GraphError(`not an ONNX model: ${(error as Error).message}`);
  }
}
