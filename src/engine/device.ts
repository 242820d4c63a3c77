/** Where graphs run, and what to say where a device is not to be had. */
import { runtime } from '#onnxruntime';

/**
 * `cpu` is ONNX Runtime's native CPU provider in Node and its WebAssembly build in a browser; `webgpu` and `cuda`
 * need a GPU.
 */
export type Device = 'cpu' | 'webgpu' | 'cuda';

/** The devices that there are names for. */
export const devices: readonly Device[] = ['cpu', 'webgpu', 'cuda'];

/** Whether this is onnxruntime-node; onnxruntime-web cannot list its backends. */
export const isNative = 'listSupportedBackends' in runtime;

/** A device that cannot be used here; the message says how to get it. */
export class DeviceError extends Error {
  override name = 'DeviceError';
}

/** ONNX Runtime's name for the execution provider of a device. */
export function executionProvider(device: Device): string {
  if (device === 'cuda' && !isNative) {
    throw new DeviceError('CUDA does not exist in browsers; use the device "webgpu" or "cpu"');
  }
  return device === 'cpu' && !isNative ? 'wasm' : device;
}

const advice: Record<Device, string> = {
  cpu: 'the installation of onnxruntime seems to be damaged; reinstall it with npm ci',
  webgpu: isNative
    ? 'WebGPU needs a GPU with a working Vulkan (Linux), Metal (macOS) or Direct3D 12 (Windows) driver; without one use the device "cpu"'
    : 'WebGPU needs a browser that has it switched on (navigator.gpu) and a GPU; without one use the device "cpu"',
  cuda: 'CUDA needs Linux on x64 with an NVIDIA GPU, CUDA 12 and cuDNN 9, and onnxruntime-node\'s CUDA libraries (node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12); without them use the device "cpu"',
};

/**
 * Why a device cannot be there, as far as that is known without loading anything for it.
 *
 * @returns undefined where it has to be tried
 */
export async function absence(device: Device): Promise<string | undefined> {
  if (isNative || device === 'cpu') return undefined;
  if (device === 'cuda') return 'CUDA does not exist in browsers';
  if (!gpuOfBrowser())
    return 'WebGPU is not there: this browser does not have it, or not on pages like this one (navigator.gpu)';
  return (await adapterName()) === undefined
    ? 'WebGPU is not there: the browser has it, but no GPU that it would use'
    : undefined;
}

/** What a browser has of WebGPU, as much of it as is used. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info: Readonly<Record<string, unknown>> } | null>;
}

const gpuOfBrowser = (): Gpu | undefined => (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;

/** The GPU that a browser would use, in its own words, such as `nvidia, ampere`; undefined where there is none. */
export async function adapterName(): Promise<string | undefined> {
  const adapter = await gpuOfBrowser()
    ?.requestAdapter()
    .catch(() => null);
  if (!adapter) return undefined;
  const { vendor, architecture, device, description } = adapter.info;
  return [vendor, architecture, device, description].filter(Boolean).join(', ');
}

/** The error for a device on which no session could be made. */
export function unavailable(device: Device, cause: unknown): DeviceError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
  return new DeviceError(
    `the device "${device}" is not available here: ${advice[device]} (ONNX Runtime said: ${reason})`,
  );
}
