/**
 * The functions of MPI that are used, called in its C library by koffi.
 *
 * All are called on the main thread (MPI_THREAD_FUNNELED), and none of them waits: koffi's asynchronous calls run on threads
 * of their own, with stacks that are too small for some libraries. Buffers are bytes; they are sent as floats, four at a time,
 * so that 8 GB have a count that an int can hold. Nothing is computed with them.
 */
import { ProcessGroupError } from '../engine/process-group.js';
import { type Abi, constants } from './library.js';

/** What koffi gives for a library, as far as it is used. */
export interface NativeLibrary {
  func(
    name: string,
    result: string,
    parameters: readonly string[],
  ): (...values: readonly unknown[]) => unknown;
  symbol(name: string): unknown;
}

/** Bytes of a float. */
const WORD = 4;

/** Bytes from one to before another. */
export type Part = readonly [from: number, to: number];

/** Something that has been begun; what it works on stays where it is until it is over. */
export interface Request {
  readonly handle: Uint8Array;
  readonly buffers: readonly Uint8Array[];
}

/** MPI's longest texts: versions of 8192 characters, in the standard ABI. */
const LONGEST_TEXT = 8192;

type Call = (...values: readonly unknown[]) => void;

/** An MPI library. */
export class Mpi {
  readonly #library: NativeLibrary;
  readonly #abi: Abi;
  readonly #calls = new Map<string, (...values: readonly unknown[]) => number>();
  readonly #world: unknown;
  readonly #float: unknown;

  constructor(library: NativeLibrary, abi: Abi) {
    this.#library = library;
    this.#abi = abi;
    this.#world = this.#constant('world');
    this.#float = this.#constant('float');
  }

  /** What the library is; may be asked before `init`. */
  get version(): string {
    const text = newBytes(LONGEST_TEXT);
    this.#call('MPI_Get_library_version', 'void *', 'void *')(text, newBytes(4));
    return textOf(text);
  }

  init(): void {
    const { funneled } = constants[this.#abi];
    this.#call('MPI_Init_thread', 'void *', 'void *', 'int', 'void *')(null, null, funneled, newBytes(4));
    // An error is then a number that is given back, and no end of the process.
    this.#call('MPI_Comm_set_errhandler', 'H', 'H')(this.#world, this.#constant('errorsReturn'));
  }

  get rank(): number {
    return this.#number((value) => {
      this.#call('MPI_Comm_rank', 'H', 'void *')(this.#world, value);
    });
  }

  get size(): number {
    return this.#number((value) => {
      this.#call('MPI_Comm_size', 'H', 'void *')(this.#world, value);
    });
  }

  barrier(): Request {
    return this.#begin([], (handle) => {
      this.#call('MPI_Ibarrier', 'H', 'void *')(this.#world, handle);
    });
  }

  /** Rank 0's bytes become everybody's. */
  broadcast(buffer: Uint8Array): Request {
    return this.#begin([buffer], (handle) => {
      const begin = this.#call('MPI_Ibcast', 'void *', 'int', 'H', 'int', 'H', 'void *');
      begin(buffer, words(buffer.length), this.#float, 0, this.#world, handle);
    });
  }

  /**
   * Every rank's piece becomes everybody's, in place.
   *
   * @param part which bytes of each piece, from one to before another
   */
  allGather(buffer: Uint8Array, ranks: number, [from, to]: Part): Request {
    const piece = buffer.length / ranks;
    const places = ints(Array.from({ length: ranks }, (_, rank) => words(rank * piece + from)));
    const counts = ints(Array.from({ length: ranks }, () => words(to - from)));
    return this.#begin([buffer, places, counts], (handle) => {
      const types = ['void *', 'int', 'H', 'void *', 'void *', 'void *', 'H', 'H', 'void *'];
      const { inPlace } = constants[this.#abi];
      const float = this.#float;
      const gather = this.#call('MPI_Iallgatherv', ...types);
      gather(inPlace, 0, float, buffer, counts, places, float, this.#world, handle);
    });
  }

  /**
   * Every rank gets a piece of every sender's, at that one's place.
   *
   * @param senders whether each rank is one
   * @param own which rank this is
   * @param part which bytes of each piece, from one to before another
   */
  allToAll(
    sent: Uint8Array,
    received: Uint8Array,
    senders: readonly boolean[],
    own: number,
    [from, to]: Part,
  ): Request {
    const piece = sent.length / senders.length;
    const count = words(to - from);
    const places = ints(senders.map((_, rank) => words(rank * piece + from)));
    const sends = ints(senders.map(() => (senders[own] ? count : 0)));
    const receives = ints(senders.map((isSender) => (isSender ? count : 0)));
    return this.#begin([sent, received, places, sends, receives], (handle) => {
      const side = ['void *', 'void *', 'void *', 'H'];
      const mine = [sent, sends, places, this.#float];
      const others = [received, receives, places, this.#float];
      this.#call('MPI_Ialltoallv', ...side, ...side, 'H', 'void *')(...mine, ...others, this.#world, handle);
    });
  }

  /** Whether what was begun is over; lets the library go on with it. */
  test({ handle }: Request): boolean {
    const { statusIgnore } = constants[this.#abi];
    return (
      this.#number((flag) => {
        this.#call('MPI_Test', 'void *', 'void *', 'void *')(handle, flag, statusIgnore);
      }) !== 0
    );
  }

  /** Sends a few bytes that stay as they are for ever, and forgets about it. */
  post(message: Uint8Array, to: number, tag: number): void {
    const request = newBytes(8);
    const send = this.#call('MPI_Isend', 'void *', 'int', 'H', 'int', 'int', 'H', 'void *');
    send(message, words(message.length), this.#float, to, tag, this.#world, request);
    this.#call('MPI_Request_free', 'void *')(request);
  }

  /** Takes in a message that was posted, if there is one. */
  receive(message: Uint8Array, tag: number): boolean {
    const { anySource, statusIgnore } = constants[this.#abi];
    const there = this.#number((flag) => {
      const probe = this.#call('MPI_Iprobe', 'int', 'int', 'H', 'void *', 'void *');
      probe(anySource, tag, this.#world, flag, statusIgnore);
    });
    if (there === 0) return false;
    const receive = this.#call('MPI_Recv', 'void *', 'int', 'H', 'int', 'int', 'H', 'void *');
    receive(message, words(message.length), this.#float, anySource, tag, this.#world, statusIgnore);
    return true;
  }

  /** Ends all processes. Does not come back. */
  abort(code: number): void {
    this.#call('MPI_Abort', 'H', 'int')(this.#world, code);
  }

  /** Waits for all processes. */
  finalize(): void {
    this.#call('MPI_Finalize')();
  }

  #constant(name: 'world' | 'float' | 'errorsReturn'): unknown {
    const value = constants[this.#abi][name];
    if (typeof value === 'string') return this.#library.symbol(value);
    return constants[this.#abi].handle === 'int' ? value : BigInt(value);
  }

  #begin(buffers: readonly Uint8Array[], begin: (handle: Uint8Array) => void): Request {
    const handle = newBytes(8);
    begin(handle);
    return { handle, buffers };
  }

  /** A number that a function writes to where its parameter points. */
  #number(write: (value: Int32Array) => void): number {
    const value = new Int32Array(new ArrayBuffer(4));
    write(value);
    return value[0];
  }

  /**
   * A function of the library.
   *
   * @param types of its parameters, in C; `H` for a handle
   * @throws ProcessGroupError, when it is called, with what MPI says went wrong
   */
  #call(name: string, ...types: readonly string[]): Call {
    let call = this.#calls.get(name);
    if (!call) {
      const { handle } = constants[this.#abi];
      const own = types.map((type) => (type === 'H' ? handle : type));
      call = this.#library.func(name, 'int', own) as (...values: readonly unknown[]) => number;
      this.#calls.set(name, call);
    }
    const begin = call;
    return (...values) => {
      const code = begin(...values);
      if (code !== 0) throw new ProcessGroupError(`${name} failed: ${this.#errorText(code)}`);
    };
  }

  #errorText(code: number): string {
    const text = newBytes(LONGEST_TEXT);
    const describe = this.#library.func('MPI_Error_string', 'int', ['int', 'void *', 'void *']);
    describe(code, text, newBytes(4));
    return textOf(text).replaceAll(/\s+/g, ' ').trim();
  }
}

/** Memory that does not move: V8 keeps small arrays among its own objects unless their buffer was there first. */
const newBytes = (length: number): Uint8Array => new Uint8Array(new ArrayBuffer(length));

const textOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(0, Math.max(bytes.indexOf(0), 0)));

/** Numbers as C's ints, seen as bytes. */
const ints = (values: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);

/** @throws RangeError for bytes that are no whole number of floats, or too many */
function words(bytes: number): number {
  const count = bytes / WORD;
  if (Number.isSafeInteger(count) && count < 2 ** 31) return count;
  throw new RangeError(`${bytes} bytes cannot be sent at once: a multiple of ${WORD} below 8 GB can`);
}
