/** tract-ts in a page of `npm run bench -- --browser`. */
import { portable } from '../../engine/lowering/portable.js';
import { wasm } from '../../engine/lowering/wasm.js';
import { trainable } from '../../optim/trainable.js';
import { StepProbe } from '../../train/step-probe.js';
import { caseNamed } from '../cases.js';
import { batches } from '../images.js';
import { timesOf } from '../times.js';
import { prepare } from '../training.js';
import { LOWERED, PLAIN, type PageRequest } from './page-request.js';

/** What makes the step of a case, without TrAct as in the other libraries. */
export async function start({ name, backend, threads }: PageRequest): Promise<() => Promise<void>> {
  if (backend === PLAIN || backend === LOWERED) return startLowered(name, backend, threads);
  const device = backend === 'webgpu' ? 'webgpu' : 'cpu';
  const training = await prepare(caseNamed(name), { tract: false, device, threads });
  return () => training.step();
}

/** The same on WebAssembly with its own lowering, or with the plain operators in its place. */
async function startLowered(name: string, backend: string, threads: number): Promise<() => Promise<void>> {
  const { model: modelOf, optimizer, batchSize } = caseNamed(name);
  const model = modelOf();
  const { inputs, standardization } = batches(model, batchSize);
  const rewrites = backend === PLAIN ? portable : wasm;
  const options = { optimizer: optimizer(), batchSize, standardization, threads, rewrites };
  const probe = await StepProbe.create(trainable(model), options);
  let count = 0;
  return async () => {
    await probe.step(inputs[count++ % inputs.length]);
  };
}

/** The milliseconds of each step with TrAct under ONNX Runtime's profiler, which tells the console at the end. */
export async function profiledSteps(name: string, steps: number, threads: number): Promise<number[]> {
  const training = await prepare(caseNamed(name), { tract: true, threads, profile: 'profile' });
  const times = await timesOf({ warmUp: 0, steps }, () => training.step());
  await training.release();
  return times;
}
