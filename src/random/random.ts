/**
 * The seeded generator behind every random choice: xoroshiro128+ (from pure-rand) with a state that can be saved.
 *
 * Independent streams come from `fork`: a stream is named, so that adding a random choice to one part of the
 * program does not change what another part draws.
 */
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { OptionError } from '../tensor/option-error.js';

/** Four signed 32-bit integers, as stored in a checkpoint. */
export type RandomState = readonly [number, number, number, number];

/** A seeded generator (xoroshiro128+) whose state can be saved; independent streams come from `fork`. */
export class Random {
  #generator: ReturnType<typeof xoroshiro128plusFromState>;

  private constructor(state: RandomState) {
    this.#generator = xoroshiro128plusFromState(state);
  }

  /** A generator for a seed (any safe integer) and, if given, the name of a stream. @throws OptionError for another seed */
  static fromSeed(seed: number, stream = ''): Random {
    if (!Number.isSafeInteger(seed)) throw new OptionError(`a seed is a whole number, not ${seed}`);
    return new Random(hash(`${seed}/${stream}`));
  }

  static fromState(state: RandomState): Random {
    // It may come from a file, where the compiler has not seen it.
    const words: readonly number[] = state;
    if (
      words.length !== 4 ||
      !words.every((word) => word === (word | 0)) ||
      words.every((word) => word === 0)
    ) {
      throw new RangeError(`not the state of a generator: ${JSON.stringify(state)}`);
    }
    return new Random(state);
  }

  get state(): RandomState {
    const [a, b, c, d] = this.#generator.getState();
    return [a, b, c, d];
  }

  /** A generator of its own for the named stream; depends on this one's present state, and leaves it as it was. */
  fork(stream: string): Random {
    return new Random(hash(`${this.state.join(',')}/${stream}`));
  }

  /** 32 random bits, as a non-negative integer. */
  bits(): number {
    return this.#generator.next() >>> 0;
  }

  /** Uniform in [low, high), with 53 random bits. */
  uniform(low = 0, high = 1): number {
    const unit = ((this.bits() >>> 5) * 0x4000000 + (this.bits() >>> 6)) / 0x20000000000000;
    return low + (high - low) * unit;
  }

  /** A whole number, uniform in [0, bound); bound is at most 2^32. */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x100000000)
      throw new RangeError(`a bound is a whole number from 1 to 2^32, not ${bound}`);
    const limit = 0x100000000 - (0x100000000 % bound);
    for (;;) {
      const bits = this.bits();
      // Rejecting the last incomplete run of numbers keeps the distribution exactly uniform.
      if (bits < limit) return bits % bound;
    }
  }

  /** Normal with the given mean and standard deviation (Box–Muller, one draw a call). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The numbers 0 … length-1 in random order (Fisher–Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, index) => index);
    for (let i = length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }
}

/** Four well-mixed words from a text: FNV-1a a word, each finished with MurmurHash3's 32-bit finaliser. */
function hash(text: string): RandomState {
  const word = (basis: number): number => {
    let value = basis;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return value ^ (value >>> 16);
  };
  return [word(0x811c9dc5), word(0x9e3779b9), word(0x7f4a7c15), word(0x94d049bb)];
}
