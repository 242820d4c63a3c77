/**
 * The state of training: named tensors, in main memory or on a device, in two copies.
 *
 * A step reads one copy and writes the other, so that a step that fails leaves the state as it was, and one that went
 * wrong can be undone. In main memory the two are made once and take turns; on a device each step makes new buffers, and
 * those of the step before the last are freed.
 */
import { nextName, stateName } from '../graph/state-names.js';
import { type Tensor, type TensorType, formatShape, sameShape, zeros } from '../tensor/tensor.js';
import { type Program, type RuntimeTensors, type Tensors, fetched, toRuntime } from './session.js';

export class StateStore {
  /** By the names of the state. */
  #current: RuntimeTensors;
  #spare: RuntimeTensors | undefined;
  /** What no step changes: one copy. */
  readonly #fixed: RuntimeTensors;
  readonly #types: Readonly<Record<string, TensorType>>;

  /**
   * @param changing the initial values of what steps change; copied
   * @param fixed what stays as it is, such as frozen parameters; copied
   */
  constructor(changing: Tensors, fixed: Tensors = {}) {
    const types = Object.entries({ ...changing, ...fixed });
    this.#types = Object.fromEntries(types.map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
    this.#current = toRuntime(copied(changing));
    this.#fixed = toRuntime(copied(fixed));
  }

  /** The names of the tensors, those that steps change first. */
  get names(): readonly string[] {
    return Object.keys(this.#types);
  }

  get types(): Readonly<Record<string, TensorType>> {
    return this.#types;
  }

  /** The state, or some of it, as inputs of a graph. Valid until the next step. */
  inputs(names: readonly string[] = this.names): RuntimeTensors {
    const own = { ...this.#current, ...this.#fixed };
    return Object.fromEntries(names.map((name) => [stateName(name), own[name]]));
  }

  /**
   * A copy of the state, or of some of it.
   *
   * @throws RangeError for a name that the state does not have
   */
  async read(names: readonly string[] = this.names): Promise<Record<string, Tensor>> {
    const own = { ...this.#current, ...this.#fixed };
    const unknown = names.find((name) => !Object.hasOwn(own, name));
    if (unknown !== undefined) throw new RangeError(`the state has no tensor "${unknown}"`);
    const values = await Promise.all(names.map((name) => fetched(own[name])));
    return Object.fromEntries(names.map((name, i) => [name, values[i]]));
  }

  /**
   * Overwrites the state, or a part of it, with the given values.
   *
   * @throws RangeError, and leaves the state as it was, where a tensor is not of the state or of another type or shape
   */
  write(state: Tensors): void {
    for (const [name, { dtype, shape }] of Object.entries(state)) {
      if (!Object.hasOwn(this.#types, name)) throw new RangeError(`the state has no tensor "${name}"`);
      const own = this.#types[name];
      if (dtype !== own.dtype || !sameShape(shape, own.shape)) {
        throw new RangeError(
          `the state's "${name}" is ${own.dtype} ${formatShape(own.shape)}, not ${dtype} ${formatShape(shape)}`,
        );
      }
    }
    for (const [name, value] of Object.entries(state)) {
      const target = Object.hasOwn(this.#fixed, name) ? this.#fixed : this.#current;
      if (target[name].location === 'cpu')
        (target[name].data as Float32Array).set(value.data as Float32Array);
      else {
        target[name].dispose();
        (target as Record<string, RuntimeTensors[string]>)[name] = toRuntime(copied({ [name]: value }))[name];
      }
    }
  }

  /**
   * Runs a graph that reads the state and gives its next values, and takes them over.
   *
   * @param inputs of the graph beside the state
   * @param results of the graph beside the state, overwritten
   */
  async advance(program: Program, inputs: RuntimeTensors, results: RuntimeTensors): Promise<void> {
    const feeds = { ...this.inputs(), ...inputs };
    if (program.keepsOnDevice) {
      const outputs = await program.runOnDevice(feeds);
      for (const name of Object.keys(results))
        (results[name].data as Float32Array).set(outputs[name].data as Float32Array);
      const next = Object.keys(this.#current).map((name) => [name, outputs[nextName(name)]]);
      for (const value of Object.values(this.#spare ?? {})) value.dispose();
      this.#spare = this.#current;
      this.#current = Object.fromEntries(next) as RuntimeTensors;
      return;
    }
    const spare = (this.#spare ??= toRuntime(emptyLike(this.#types, Object.keys(this.#current))));
    const fetches = Object.entries(spare).map(([name, value]) => [nextName(name), value]);
    await program.runInto(feeds, { ...results, ...(Object.fromEntries(fetches) as RuntimeTensors) });
    this.undo();
  }

  /** Takes the last step back: the state is what it was before. Once; the step before that is gone. */
  undo(): void {
    if (!this.#spare) return;
    [this.#current, this.#spare] = [this.#spare, this.#current];
  }

  /** Frees what lies on a device. */
  release(): void {
    for (const value of [...Object.values(this.#current), ...Object.values(this.#spare ?? {})])
      value.dispose();
  }
}

function emptyLike(types: Readonly<Record<string, TensorType>>, names: readonly string[]): Tensors {
  return Object.fromEntries(names.map((name) => [name, zeros(types[name].dtype, types[name].shape)]));
}

function copied(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, value]) => [name, { ...value, data: value.data.slice() }]),
  );
}
