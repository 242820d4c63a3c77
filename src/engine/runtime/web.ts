/**
 * onnxruntime-web, which whoever computes in a browser installs beside this package: its build for WebAssembly, and beside
 * it the one for WebGPU, twice as large, once a session asks for that.
 *
 * Both are imported at run time, so that a bundler makes files of their own of them: each thread on WebAssembly loads the
 * file that ONNX Runtime is in once more, and is to find nothing of the page there.
 */
import type * as Runtime from 'onnxruntime-web';

/** The build that tensors are made by; sessions of the other take them, too. */
export const runtime: typeof Runtime = await import('onnxruntime-web/wasm');

/**
 * The build that has an execution provider.
 *
 * For WebGPU it is the one whose kernels are in JavaScript. Those with the newer provider (`onnxruntime-web/webgpu` and
 * `/jspi` of 1.30) have no float64 on the CPU either, and TrAct's inverse is computed in float64.
 */
export async function runtimeFor(provider: string): Promise<typeof Runtime> {
  return provider === 'webgpu' ? import('onnxruntime-web') : runtime;
}
