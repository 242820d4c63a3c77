/** tract-ts in a page of `npm run bench -- --browser`. */
import { caseNamed } from '../cases.js';
import { timesOf } from '../times.js';
import { prepare } from '../training.js';
import type { PageRequest } from './page-request.js';

/** What makes the step of a case, without TrAct as in the other libraries. */
export async function start({ name, backend, threads }: PageRequest): Promise<() => Promise<void>> {
  const device = backend === 'webgpu' ? 'webgpu' : 'cpu';
  const training = await prepare(caseNamed(name), { tract: false, device, threads });
  return () => training.step();
}

/** The milliseconds of each step with TrAct under ONNX Runtime's profiler, which tells the console at the end. */
export async function profiledSteps(name: string, steps: number, threads: number): Promise<number[]> {
  const training = await prepare(caseNamed(name), { tract: true, threads, profile: 'profile' });
  const times = await timesOf({ warmUp: 0, steps }, () => training.step());
  await training.release();
  return times;
}
