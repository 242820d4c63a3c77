/** Runs a step graph over and over, and owns the state between steps. */
import { type Tensor, formatShape, sameShape, zeros } from '../tensor/tensor.js';
import { type Program, type RuntimeTensor, type Tensors, toOrt } from './session.js';

/** The output that holds the next value of a state input. */
export function nextName(name: string): string {
  return `next/${name}`;
}

type OrtTensors = Record<string, RuntimeTensor>;

/** One copy of everything a step reads or writes, made once. */
interface Buffers {
  readonly state: Record<string, Tensor>;
  readonly feeds: OrtTensors;
  readonly fetches: OrtTensors;
}

/**
 * A step graph with its state. The state is double-buffered: a step reads one copy and writes the other, so a step
 * that fails leaves the state as it was, and no step allocates anything large.
 */
export class Stepper {
  readonly #program: Program;
  readonly #results: Record<string, Tensor>;
  readonly #resultTensors: OrtTensors;
  #current: Buffers;
  #spare: Buffers;

  /**
   * @param state the initial state; copied
   * @param results what a step computes besides the next state, as tensors that are overwritten by every step
   */
  constructor(program: Program, state: Tensors, results: Tensors) {
    this.#program = program;
    this.#results = { ...results };
    this.#resultTensors = wrap(results, (name) => name);
    this.#current = buffers(state);
    this.#spare = buffers(state);
    this.set(state);
  }

  /** The present state. The arrays are overwritten by the step after the next: copy what has to last. */
  get state(): Tensors {
    return this.#current.state;
  }

  /**
   * Overwrites the state, or a part of it, with the given values.
   *
   * @throws RangeError, and leaves the state as it was, where a tensor is not of the state or of another type or shape
   */
  set(state: Tensors): void {
    const own = this.#current.state;
    for (const [name, { dtype, shape }] of Object.entries(state)) {
      if (!Object.hasOwn(own, name)) throw new RangeError(`the state has no tensor "${name}"`);
      if (dtype !== own[name].dtype || !sameShape(shape, own[name].shape)) {
        throw new RangeError(
          `the state's "${name}" is ${own[name].dtype} ${formatShape(own[name].shape)}, not ${dtype} ${formatShape(shape)}`,
        );
      }
    }
    for (const [name, { data }] of Object.entries(state)) {
      (this.#current.state[name].data as Float32Array).set(data as Float32Array);
    }
  }

  /** Runs one step and returns its results, which are valid until the next. */
  async step(inputs: Tensors): Promise<Tensors> {
    const feeds = { ...this.#current.feeds };
    for (const [name, tensor] of Object.entries(inputs)) feeds[name] = toOrt(tensor);
    await this.#program.runInto(feeds, { ...this.#resultTensors, ...this.#spare.fetches });
    [this.#current, this.#spare] = [this.#spare, this.#current];
    return this.#results;
  }

  /** Takes the last step back: the state is what it was before. Once; the step before that is gone. */
  undo(): void {
    [this.#current, this.#spare] = [this.#spare, this.#current];
  }
}

function buffers(state: Tensors): Buffers {
  const copy = Object.fromEntries(
    Object.entries(state).map(([name, { dtype, shape }]) => [name, zeros(dtype, shape)]),
  );
  return { state: copy, feeds: wrap(copy, (name) => name), fetches: wrap(copy, nextName) };
}

function wrap(tensors: Tensors, rename: (name: string) => string): OrtTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), toOrt(tensor)]));
}
