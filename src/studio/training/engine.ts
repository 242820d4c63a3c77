/**
 * What a run computes on. WebGPU is used where a step of the run's own model was compared with WebAssembly's and came out
 * right, and, unless it was asked for, no slower.
 */
import { absence, adapterName } from '../../engine/device.js';
import type { Trainable } from '../../optim/trainable.js';
import { counted } from '../../tensor/counted.js';
import type { TrainerOptions } from '../../train/options.js';
import { type DeviceProof, proveDevice } from '../../train/prove-device.js';
import type { RunEngine } from '../run-spec.js';
import type { EngineChoice } from '../settings.js';
import { threads } from './threads.js';

const wasm: RunEngine = { device: 'cpu', threads };

/** What a run is trained on that came from elsewhere. */
export const OPENED: RunEngine = { ...wasm, reason: 'A run that was opened goes on on WebAssembly.' };

/** What was found since the page was loaded, by what was tried. */
const proofs = new Map<string, DeviceProof>();

/**
 * @param what names the model and all else that its step depends on: what is known of it is not tried again
 * @param onTry called before the devices are compared, which takes some seconds
 */
export async function chooseEngine(
  choice: EngineChoice,
  given: Trainable,
  { optimizer, batchSize }: Pick<TrainerOptions, 'optimizer' | 'batchSize'>,
  what: string,
  onTry: () => void,
): Promise<RunEngine> {
  if (choice === 'wasm') return wasm;
  const absent = await absence('webgpu');
  if (absent !== undefined) return { ...wasm, reason: `${absent}.` };
  let proof = proofs.get(what);
  if (!proof) {
    onTry();
    proof = await proveDevice('webgpu', { model: given, optimizer, batchSize, threads });
    proofs.set(what, proof);
  }
  const { proven, reason, milliseconds } = proof;
  const webgpu = { device: 'webgpu', threads, gpu: (await adapterName()) ?? '' } as const;
  if (proven) return { ...webgpu, reason: `${reason}.` };
  // There are times where the numbers are right.
  if (choice === 'webgpu' && milliseconds)
    return { ...webgpu, reason: `${reason}. It is used because it was chosen.` };
  return { ...wasm, reason: `${reason}. So WebAssembly is used.` };
}

/** What a run that was begun on an engine goes on on: the same, where it is here. */
export async function sameEngine(begun: RunEngine): Promise<RunEngine> {
  if (begun.device === 'cpu') {
    if (begun.threads === threads) return begun;
    return { ...wasm, moved: `${movedFrom(begun)} it goes on with ${threads}. ${OTHERWISE}` };
  }
  const gpu = await adapterName();
  if (gpu === undefined) return withoutGpu(begun, (await absence('webgpu')) ?? 'WebGPU is not there');
  if (gpu === begun.gpu) return begun;
  return { ...begun, gpu, moved: `${movedFrom(begun)} it goes on on another GPU, ${gpu}. ${OTHERWISE}` };
}

/** What it goes on on where WebGPU cannot. @param why a sentence without its full stop */
export const withoutGpu = (begun: RunEngine, why: string): RunEngine => ({
  ...wasm,
  moved: `${movedFrom(begun)} it goes on on WebAssembly. ${why}. ${OTHERWISE}`,
});

const OTHERWISE = 'That rounds otherwise: the run is as good, but does not end at the very same bits.';

const movedFrom = ({ device, gpu, threads: before }: RunEngine): string =>
  device === 'webgpu'
    ? `This run was begun on WebGPU (${gpu});`
    : `This run was begun on WebAssembly with ${counted(before, 'thread')};`;
