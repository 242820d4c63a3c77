/**
 * A model's forward graph as TensorBoard draws it: a `GraphDef` of tensorflow/core/framework/graph.proto, with a place in the
 * tree of layers for a scope.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Attribute } from '../../graph/attributes.js';
import type { Value } from '../../graph/graph.js';
import { type Model, traceAlone } from '../../nn/model.js';
import type { Shape } from '../../tensor/tensor.js';

/** Numbers of an attribute that are kept. */
const MOST_NUMBERS = 16;

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly shapes: readonly Shape[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** The bytes of a `GraphDef`: the layers of a model in inference, for one image. */
export function graphDef(model: Model): Uint8Array {
  const writer = new BinaryWriter();
  for (const node of nodesOf(model)) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(node.name);
    writer.tag(2, WireType.LengthDelimited).string(node.op);
    for (const input of node.inputs) writer.tag(3, WireType.LengthDelimited).string(input);
    attribute(writer, '_output_shapes', () => {
      writer.tag(1, WireType.LengthDelimited).fork();
      for (const shape of node.shapes) shapeOf(writer.tag(7, WireType.LengthDelimited), shape);
      writer.join();
    });
    for (const [name, value] of Object.entries(node.attributes))
      attribute(writer, name, () => {
        attributeValue(writer, value);
      });
    writer.join();
  }
  // The version of graphs that TensorFlow 2 writes.
  writer.tag(4, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1987).join();
  return writer.finish();
}

/** An entry of the map `attr`. */
function attribute(writer: BinaryWriter, name: string, value: () => void): void {
  writer.tag(5, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.LengthDelimited).fork();
  value();
  writer.join().join();
}

function shapeOf(writer: BinaryWriter, shape: Shape): void {
  writer.fork();
  for (const length of shape)
    writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int64(length).join();
  writer.join();
}

function attributeValue(writer: BinaryWriter, { type, value }: Attribute): void {
  const number = (one: number, isWhole: boolean): void => {
    if (isWhole) writer.tag(3, WireType.Varint).int64(one);
    else writer.tag(4, WireType.Bit32).float(Math.fround(one));
  };
  if (typeof value === 'string')
    writer.tag(2, WireType.LengthDelimited).bytes(new TextEncoder().encode(value));
  else if (typeof value === 'number') number(value, type === 'int');
  else {
    writer.tag(1, WireType.LengthDelimited).fork();
    for (const one of value.slice(0, MOST_NUMBERS)) number(one, type === 'ints');
    writer.join();
  }
}

function nodesOf(model: Model): GraphNode[] {
  const { graph, images, parameters, buffers, logits } = traceAlone(model, 1, false);
  const names = new Names();
  const nameOf = new Map<Value, string>();
  const found: GraphNode[] = [];
  const leaf = (value: Value, path: string, op: string): void => {
    nameOf.set(value, names.unused(path));
    found.push({ name: nameOf.get(value)!, op, inputs: [], shapes: [value.shape], attributes: {} });
  };
  leaf(images, 'images', 'Placeholder');
  for (const [path, { value }] of [...parameters, ...buffers])
    leaf(value, path.replaceAll('.', '/'), 'VariableV2');
  for (const { opType, scope, inputs, outputs, attributes } of graph.nodes) {
    const place = scope === '' ? '' : `${scope.replaceAll('.', '/')}/`;
    for (const input of inputs)
      if (input && !nameOf.has(input)) leaf(input, `${place}${input.constant ? 'Const' : 'input'}`, 'Const');
    const name = names.unused(`${place}${opType}`);
    outputs.forEach((output, i) => nameOf.set(output, i === 0 ? name : `${name}:${i}`));
    found.push({
      name,
      op: opType,
      inputs: inputs.flatMap((input) => (input ? [nameOf.get(input)!] : [])),
      shapes: outputs.map(({ shape }) => shape),
      attributes,
    });
  }
  const last = nameOf.get(logits)!;
  const attributes = {};
  found.push({
    name: names.unused('logits'),
    op: 'Identity',
    inputs: [last],
    shapes: [logits.shape],
    attributes,
  });
  return found;
}

/** Names as TensorFlow has them, each once. */
class Names {
  readonly #used = new Map<string, number>();

  unused(wanted: string): string {
    const name = wanted.replace(/[^A-Za-z0-9_.\\/-]/g, '_').replace(/^[^A-Za-z0-9.]/, '.');
    const count = this.#used.get(name) ?? 0;
    this.#used.set(name, count + 1);
    return count === 0 ? name : this.unused(`${name}_${count}`);
  }
}
