/** ONNX Runtime sessions over tensors of this project. */
import * as ort from '#onnxruntime';
import type { DType, Tensor } from '../tensor/tensor.js';
import { isNative } from './device.js';

export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * ONNX Runtime's own view of a tensor, as `toOrt` makes it. Declared here, because its own declarations are not for
 * every compiler: those who use this package are not to need them.
 */
export interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

export interface SessionOptions {
  /** ONNX Runtime's name of it, such as `cpu`. */
  readonly provider: string;
  /** Threads of one operator; default: what ONNX Runtime chooses, one a core. */
  readonly threads?: number;
  /** Where ONNX Runtime writes its profile, as a prefix of the file's name; only natively. Default: no profile. */
  readonly profile?: string;
}

/** A graph that is ready to run. */
export class Program {
  readonly #session: ort.InferenceSession;
  readonly #outputs: readonly string[];

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
    this.#outputs = session.outputNames;
  }

  /** Loads a model from the bytes of an `.onnx` file. */
  static async load(bytes: Uint8Array, { provider, threads, profile }: SessionOptions): Promise<Program> {
    // In browsers the number is one of the WebAssembly runtime, read when its first session is made.
    if (threads !== undefined && !isNative) ort.env.wasm.numThreads = threads;
    // What goes wrong is thrown; ONNX Runtime need not print it, too.
    ort.env.logLevel = 'fatal';
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      // Warnings about operators that a provider leaves to the CPU are not for users, and errors are thrown.
      logSeverityLevel: 4,
      // Arithmetic on denormal numbers takes many times as long, and no training needs them. Note that ONNX Runtime
      // sets this for the calling thread as well: from then on JavaScript's own denormals are zero there, too.
      extra: { session: { set_denormal_as_zero: '1' } },
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    });
    return new Program(session);
  }

  /** Runs the graph. Results are new tensors. */
  async run(feeds: Tensors): Promise<Record<string, Tensor>> {
    const results = await this.#session.run(toOrtTensors(feeds));
    return Object.fromEntries(this.#outputs.map((name) => [name, fromOrt(results[name])]));
  }

  /**
   * Runs the graph into tensors that exist already: each output is written over the tensor of its name in `fetches`.
   *
   * Takes ONNX Runtime's own tensors (see `toOrt`), so that nothing is made anew at every step.
   */
  async runInto(
    feeds: Readonly<Record<string, RuntimeTensor>>,
    fetches: Readonly<Record<string, RuntimeTensor>>,
  ): Promise<void> {
    // Natively outputs are filled in place. onnxruntime-web does that for buffers of a GPU only, and hands tensors in
    // main memory back as they were: there outputs are asked for by name, and copied.
    const results = await this.#session.run(
      feeds as Record<string, ort.Tensor>,
      isNative ? (fetches as Record<string, ort.Tensor>) : Object.keys(fetches),
    );
    for (const name of Object.keys(fetches)) {
      const [to, from] = [fetches[name].data as Float32Array, results[name].data as Float32Array];
      if (to !== from && to.buffer !== from.buffer) to.set(from);
    }
  }

  /** Ends profiling, if it was on, and frees the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  /** Writes the profile that was asked for at compile time. */
  endProfiling(): void {
    this.#session.endProfiling();
  }
}

const ortTypes: Record<DType, ort.Tensor.Type> = {
  float32: 'float32',
  float64: 'float64',
  int32: 'int32',
  int64: 'int64',
  uint8: 'uint8',
  bool: 'bool',
};

/** ONNX Runtime's view of a tensor; the elements are shared, not copied. */
export function toOrt(tensor: Tensor): RuntimeTensor {
  return ortTensor(tensor);
}

function ortTensor({ dtype, shape, data }: Tensor): ort.Tensor {
  return new ort.Tensor(ortTypes[dtype], data, shape);
}

function toOrtTensors(feeds: Tensors): Record<string, ort.Tensor> {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, ortTensor(tensor)]));
}

function fromOrt({ type, dims, data }: ort.Tensor): Tensor {
  return { dtype: type as DType, shape: dims, data: data as Tensor['data'] };
}
