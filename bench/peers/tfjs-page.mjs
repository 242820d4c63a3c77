// TensorFlow.js in a page of `npm run bench -- --browser`.
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import { prepare } from './tfjs-step.mjs';

/** @param threads of the backend wasm */
export async function start(description, backend, threads) {
  setWasmPaths('/');
  if (backend === 'wasm') setThreadsCount(threads);
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} cannot be had here`);
  await tf.ready();
  return prepare(description);
}
