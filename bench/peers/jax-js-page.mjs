// jax-js in a page of `npm run bench -- --browser`.
import { defaultDevice, init } from '@jax-js/jax';
import { prepare } from './jax-js-step.mjs';

export async function start(description, device) {
  const there = await init(device);
  if (!there.includes(device)) throw new Error(`the device ${device} cannot be had here`);
  defaultDevice(device);
  return prepare(description);
}
