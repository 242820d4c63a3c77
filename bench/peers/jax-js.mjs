// The bench's training step in jax-js, on its wasm backend: `node jax-js.mjs '<case as JSON>'`.
import process from 'node:process';
import { defaultDevice, init } from '@jax-js/jax';
import { prepare } from './jax-js-step.mjs';
import { serve } from './protocol.mjs';

/** Images of a step: as many as can be waited for. */
const BATCH = { convolutional: 2, other: 16 };

const wanted = JSON.parse(process.argv[2]);
const convolutional = wanted.model.startsWith('resnet');
const batchSize = Math.min(convolutional ? BATCH.convolutional : BATCH.other, wanted.batchSize);

await init('wasm');
defaultDevice('wasm');

await serve(prepare({ ...wanted, batchSize }), {
  batchSize,
  conditions:
    `jax-js, wasm backend, one thread (it starts threads in browsers only), batch ${batchSize}, random images, the step in one jit` +
    (convolutional ? ', no running statistics' : ''),
});
