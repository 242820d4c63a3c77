/** From a graph to something that runs: lowering for the device, ONNX bytes, an ONNX Runtime session. */
import type { Graph } from '../graph/graph.js';
import { type Rewrites, rewrite } from '../graph/rewrite.js';
import { toOnnx } from '../graph/serialize.js';
import { type Device, executionProvider, isNative, unavailable } from './device.js';
import { blockSize } from './lowering/block-size.js';
import { blockedCpu } from './lowering/cpu.js';
import { portable } from './lowering/portable.js';
import { wasm } from './lowering/wasm.js';
import { webgpuLimits } from './lowering/webgpu.js';
import { Program, type SessionOptions } from './session.js';

/** Where a graph runs, and how it is lowered. */
export interface CompileOptions extends Omit<SessionOptions, 'provider'> {
  /** Default `cpu`. */
  readonly device?: Device;
  /** The lowering; default: the fastest that is known for the device. */
  readonly rewrites?: Rewrites;
  /** For measurements: called when there is a graph to compile, when it is lowered, and when the session is there. */
  readonly onStage?: (stage: 'built' | 'lowered' | 'session') => void;
}

/** The lowering used on a device unless another is asked for. */
export async function loweringFor(device: Device): Promise<Rewrites> {
  if (device !== 'cpu') return portable;
  if (!isNative) return wasm;
  const block = await blockSize();
  return block === undefined ? portable : blockedCpu(block);
}

/** What a device runs in place of a graph, as the bytes of an `.onnx` file. */
export async function lower(graph: Graph, device: Device, rewrites?: Rewrites): Promise<Uint8Array> {
  const lowered = rewrite(graph, rewrites ?? (await loweringFor(device)));
  return toOnnx(device === 'webgpu' ? rewrite(lowered, webgpuLimits) : lowered);
}

/**
 * Compiles a graph for a device.
 *
 * @throws DeviceError where the device is not available
 */
export async function compile(graph: Graph, options: CompileOptions = {}): Promise<Program> {
  const { device = 'cpu', rewrites, onStage, ...rest } = options;
  onStage?.('built');
  const provider = executionProvider(device);
  const bytes = await lower(graph, device, rewrites);
  onStage?.('lowered');
  try {
    const program = await Program.load(bytes, { provider, ...rest });
    onStage?.('session');
    return program;
  } catch (error) {
    if (device === 'cpu') throw error;
    // If the CPU cannot load the graph either, it is the graph that is at fault, and this says why.
    await (await Program.load(bytes, { provider: executionProvider('cpu'), ...rest })).release();
    throw unavailable(device, error);
  }
}
