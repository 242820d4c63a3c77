// @ts-check
// Trains with the step that export-step.mjs wrote, by plain ONNX Runtime: nothing of tract-ts but its file.
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-node';

/** @param {Record<string, any>} plain @returns {Record<string, ort.Tensor>} */
const tensors = (plain) =>
  Object.fromEntries(
    Object.entries(plain).map(([name, { type, shape, data }]) => [name, new ort.Tensor(type, data, shape)]),
  );
const given = JSON.parse(await readFile('runs/step.json', 'utf8'));
const session = await ort.InferenceSession.create('runs/step.onnx');
const fixed = tensors(given.fixed);
const state = tensors(given.state);

for (let step = 1; step <= 30; step++) {
  const batch = tensors(given.batches[(step - 1) % given.batches.length]);
  const number = new ort.Tensor('float64', [step], []);
  const results = await session.run({ ...state, ...fixed, ...batch, step: number });
  // What a step leaves as next/… is what the next one begins with as state/…
  for (const name of Object.keys(results)) {
    if (name.startsWith('next/')) state[name.replace('next/', 'state/')] = results[name];
  }
  if (step % 5 === 1 || step === 30)
    console.log(`step ${step}: loss ${Number(results.loss.data[0]).toFixed(3)}`);
}
await session.release();
