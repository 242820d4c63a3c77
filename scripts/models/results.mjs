/** What has been measured: a file of JSON with a line for each file of a model, and for each that was given back. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const keyOf = ({ kind, name, exporter, mode, from, preprocessing }) =>
  [kind, name, exporter, mode, from, preprocessing].join();

/** Where a file stands among those of its model. */
const placeOf = ({ exporter, mode, preprocessing }) =>
  2 * ['torchscript', 'dynamo', 'tf2onnx', 'keras'].indexOf(exporter) +
  (mode === 'inference' || preprocessing ? 1 : 0);

/** Three digits say all there is to say. */
const rounded = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value);

export class Results {
  #path;

  /** A list of them: those of a model stand beside each other. */
  all = [];

  constructor(path) {
    this.#path = path;
    if (existsSync(path)) this.all = JSON.parse(readFileSync(path, 'utf8'));
  }

  has(one) {
    return this.all.some((other) => keyOf(other) === keyOf(one));
  }

  /** Keeps a result, in place of an earlier one. It is on disk then: whoever stops now has it. */
  add(one) {
    const others = this.all.filter((other) => keyOf(other) !== keyOf(one));
    const sameModel = ({ kind, name }) => kind === one.kind && name === one.name;
    const at = others.findIndex(sameModel);
    const group = [...others.filter(sameModel), one].sort((a, b) => placeOf(a) - placeOf(b));
    this.all = others.filter((other) => !sameModel(other));
    this.all.splice(at < 0 ? this.all.length : at, 0, ...group);
    const lines = this.all.map((result) => JSON.stringify(result, rounded));
    writeFileSync(`${this.#path}.tmp`, `[\n${lines.join(',\n')}\n]\n`);
    renameSync(`${this.#path}.tmp`, this.#path);
  }
}
