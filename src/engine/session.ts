/** ONNX Runtime sessions over tensors of this project. */
import { runtime, runtimeFor } from '#onnxruntime';
import type * as ort from 'onnxruntime-node';
import type { DType, Tensor } from '../tensor/tensor.js';
import { isNative } from './device.js';
import { threadsHere } from './threads.js';

/** Tensors by their names. */
export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * ONNX Runtime's own tensor, in main memory or on a device. Declared here, because its own declarations are not for every
 * compiler: those who use this package are not to need them.
 */
export interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  /** Where the elements are: `cpu` in main memory, else on a device. */
  readonly location: string;
  /** The elements, in main memory only. */
  readonly data: unknown;
  /** Fetches the elements. */
  getData(): Promise<unknown>;
  /** Frees what lies on a device. */
  dispose(): void;
}

/** By the names of inputs or outputs. */
export type RuntimeTensors = Readonly<Record<string, RuntimeTensor>>;

/** What a session of ONNX Runtime's is told. */
export interface SessionOptions {
  /** ONNX Runtime's name of it, such as `cpu`. */
  readonly provider: string;
  /**
   * Threads of one operator. Default: natively what ONNX Runtime chooses, one a core; in a browser one a logical processor,
   * four at most, and one where the page is not cross-origin isolated. There the first session decides for all.
   */
  readonly threads?: number;
  /** Where ONNX Runtime writes its profile, as a prefix of the file's name; only natively. Default: no profile. */
  readonly profile?: string;
  /** The outputs that stay on the device, where it has a memory of its own. Default none. */
  readonly keptOnDevice?: readonly string[];
}

/** A graph that is ready to run. */
export class Program {
  readonly #session: ort.InferenceSession;
  /** The names of what it reads. */
  readonly inputs: readonly string[];
  readonly #outputs: readonly string[];
  /** Whether outputs stay in a memory that is not this thread's. */
  readonly keepsOnDevice: boolean;

  private constructor(session: ort.InferenceSession, keepsOnDevice: boolean) {
    this.#session = session;
    this.inputs = session.inputNames;
    this.#outputs = session.outputNames;
    this.keepsOnDevice = keepsOnDevice;
  }

  /** Loads a model from the bytes of an `.onnx` file. */
  static async load(bytes: Uint8Array, options: SessionOptions): Promise<Program> {
    const { provider, threads, profile, keptOnDevice = [] } = options;
    const { env, InferenceSession } = await runtimeFor(provider);
    // In browsers the number is one of the WebAssembly runtime, read when its first session is made. What WebGPU leaves to
    // the CPU has one thread: the threads of two builds get in each other's way where a bundler makes one file of both.
    if (!isNative) env.wasm.numThreads = provider === 'webgpu' ? 1 : threadsHere(threads).count;
    // What goes wrong is thrown; ONNX Runtime need not print it, too.
    env.logLevel = 'fatal';
    // onnxruntime-node hands out no buffers of a device.
    const keeps = provider === 'webgpu' && !isNative && keptOnDevice.length > 0;
    const session = await InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      // Warnings about operators that a provider leaves to the CPU are not for users, and errors are thrown.
      logSeverityLevel: 4,
      // Arithmetic on denormal numbers takes many times as long, and no training needs them. Note that ONNX Runtime
      // sets this for the calling thread as well: from then on JavaScript's own denormals are zero there, too.
      extra: { session: { set_denormal_as_zero: '1' } },
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
      ...(keeps && {
        preferredOutputLocation: Object.fromEntries(
          keptOnDevice.map((name) => [name, 'gpu-buffer' as const]),
        ),
      }),
    });
    return new Program(session, keeps);
  }

  /**
   * Runs the graph. Results are new tensors.
   *
   * @param more inputs that are ONNX Runtime's own tensors already
   */
  async run(feeds: Tensors, more: RuntimeTensors = {}): Promise<Record<string, Tensor>> {
    const results = await this.#session.run(this.#own({ ...toRuntime(feeds), ...more }));
    return Object.fromEntries(this.#outputs.map((name) => [name, fromOrt(results[name])]));
  }

  /**
   * Runs the graph into tensors that exist already: each output is written over the tensor of its name in `fetches`.
   *
   * Takes ONNX Runtime's own tensors (see `toRuntime`), so that nothing is made anew at every step.
   */
  async runInto(feeds: RuntimeTensors, fetches: RuntimeTensors): Promise<void> {
    // Natively outputs are filled in place. onnxruntime-web does that for buffers of a GPU only, and hands tensors in
    // main memory back as they were: there outputs are asked for by name, and copied.
    const results = await this.#session.run(
      this.#own(feeds),
      isNative ? (fetches as Record<string, ort.Tensor>) : Object.keys(fetches),
    );
    for (const name of Object.keys(fetches)) {
      const [to, from] = [fetches[name].data as Float32Array, results[name].data as Float32Array];
      if (to !== from && to.buffer !== from.buffer) to.set(from);
    }
  }

  /** Runs the graph; outputs are new tensors of ONNX Runtime's, on the device where they were to be kept there. */
  async runOnDevice(feeds: RuntimeTensors): Promise<RuntimeTensors> {
    return this.#session.run(this.#own(feeds));
  }

  /** Those of the tensors that are inputs of the graph. */
  #own(feeds: RuntimeTensors): Record<string, ort.Tensor> {
    return Object.fromEntries(
      this.inputs.flatMap((name) => (Object.hasOwn(feeds, name) ? [[name, feeds[name] as ort.Tensor]] : [])),
    );
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

/** ONNX Runtime's view of tensors; the elements are shared, not copied. */
export function toRuntime(
  tensors: Tensors,
  rename: (name: string) => string = (name) => name,
): Record<string, RuntimeTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
      rename(name),
      new runtime.Tensor(ortTypes[dtype], data, shape),
    ]),
  );
}

/** A copy of a tensor's elements in main memory, wherever they are. */
export async function fetched(value: RuntimeTensor): Promise<Tensor> {
  const data =
    value.location === 'cpu'
      ? (value.data as Tensor['data']).slice()
      : ((await value.getData()) as Tensor['data']);
  return { dtype: value.type as DType, shape: value.dims, data };
}

function fromOrt({ type, dims, data }: ort.Tensor): Tensor {
  return { dtype: type as DType, shape: dims, data: data as Tensor['data'] };
}
