/** What PyTorch's exporters write, as files of a folder whose tensors are in another file of it. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphError } from '../../graph/graph.js';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
} from '../../graph/onnx_pb.js';
import { traceAlone } from '../../nn/model.js';
import { OptionError } from '../../tensor/option-error.js';
import { sameShape } from '../../tensor/tensor.js';
import { loadModel } from '../../train/load-model.js';
import { isPrintable, mutateOnnx } from '../mutate-onnx.js';
import { type FuzzedParser, expect } from '../parser.js';

const fixtures = new URL('../../../src/models/fixtures/', import.meta.url);
const names = [
  'squeezenet.torchscript.training',
  'googlenet.torchscript.inference',
  'xception.dynamo.training',
  'efficientnet.dynamo.inference',
];
/** A tensor of fewer elements stays in the file: exporters leave those there, too. */
const FEWEST = 64;
/** A byte that no file has so many times in a row. */
const OUTSIDE = 0x5a;

/** The files with the elements of their tensors taken out, and these one behind the other. */
function withoutWeights(): { readonly files: readonly Uint8Array[]; readonly weights: Uint8Array } {
  const parts: Uint8Array[] = [];
  let position = 0;
  const files = names.map((name) => {
    const model = fromBinary(ModelProtoSchema, readFileSync(new URL(`${name}.onnx`, fixtures)));
    for (const tensor of model.graph!.initializer) {
      const { length } = tensor.rawData;
      if (length < 4 * FEWEST) continue;
      const entries = { location: 'weights.bin', offset: String(position), length: String(length) };
      tensor.dataLocation = DataLocation.EXTERNAL;
      tensor.externalData = Object.entries(entries).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      );
      parts.push(tensor.rawData);
      position += length;
      tensor.rawData = new Uint8Array();
    }
    return toBinary(ModelProtoSchema, model);
  });
  return { files, weights: Buffer.concat(parts) };
}

export const onnxExported: FuzzedParser = {
  name: 'onnx-exported',
  seeds: () => Promise.resolve(withoutWeights().files),
  mutate: mutateOnnx,
  async read(input, folder) {
    const inner = join(folder, 'model');
    if (!existsSync(inner)) {
      mkdirSync(inner);
      const { weights } = withoutWeights();
      writeFileSync(join(inner, 'weights.bin'), weights);
      // What is read from here shows in a model that is accepted; see `expect` below.
      writeFileSync(join(folder, 'outside.bin'), new Uint8Array(weights.length).fill(OUTSIDE));
      symlinkSync(join(folder, 'outside.bin'), join(inner, 'link.bin'));
    }
    const path = join(inner, 'model.onnx');
    writeFileSync(path, input);
    const model = await loadModel(path, { imageSize: 32 });
    expect(
      !Buffer.from(model.file.bytes ?? []).includes(Buffer.alloc(4 * FEWEST, OUTSIDE)),
      'a file outside the folder was read',
    );
    const { logits, images } = traceAlone(model, 2, true);
    expect(sameShape(logits.shape, [images.shape[0], model.classes]), `logits are [${logits.shape.join()}]`);
  },
  documented: (error) => (error instanceof GraphError || error instanceof OptionError) && isPrintable(error),
};
