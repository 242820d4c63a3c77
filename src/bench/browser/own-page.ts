/** tract-ts in a page of `npm run bench -- --browser`. */
import { caseNamed } from '../cases.js';
import { prepare } from '../training.js';
import type { PageRequest } from './page-request.js';

/** What makes the step of a case, without TrAct as in the other libraries. */
export async function start({ name, backend, threads }: PageRequest): Promise<() => Promise<void>> {
  const device = backend === 'webgpu' ? 'webgpu' : 'cpu';
  const training = await prepare(caseNamed(name), { tract: false, device, threads });
  return () => training.step();
}
