// The bench's training step in TensorFlow.js: `node tfjs.mjs '<case as JSON>'`.
//
// Its wasm backend has no gradient of a convolution's filter, so convolutional networks run on the backend in plain
// JavaScript, with few images. tfjs-node, its native backend, is not measured.
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { serve } from './protocol.mjs';
import { prepare } from './tfjs-step.mjs';

/** Images of a step: as many as can be waited for. */
const BATCH = { convolutional: 1, other: 16 };

const wanted = JSON.parse(process.argv[2]);
const convolutional = wanted.model.startsWith('resnet');
const batchSize = Math.min(convolutional ? BATCH.convolutional : BATCH.other, wanted.batchSize);

if (wanted.threads) setThreadsCount(wanted.threads);
setWasmPaths(
  `${path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`,
);
await tf.setBackend(convolutional ? 'cpu' : 'wasm');
await tf.ready();
const threaded = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');

await serve(prepare({ ...wanted, batchSize }), {
  batchSize,
  conditions:
    `TensorFlow.js ${tf.version_core}, batch ${batchSize}, random images, ` +
    (convolutional
      ? 'backend cpu (plain JavaScript, one thread: its wasm backend cannot train convolutions), no running statistics'
      : `backend wasm, ${threaded ? `threads: ${getThreadsCount()}` : 'one thread (it starts threads in browsers only)'}`),
});
