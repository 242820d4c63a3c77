// @ts-check
// The script of a page (through a bundler): trains with the step that export-step.mjs wrote, by plain onnxruntime-web.
import * as ort from 'onnxruntime-web';

/** @param {Record<string, any>} plain @returns {Record<string, ort.Tensor>} */
const tensors = (plain) =>
  Object.fromEntries(
    Object.entries(plain).map(([name, { type, shape, data }]) => [name, new ort.Tensor(type, data, shape)]),
  );
const given = await (await fetch('runs/step.json')).json();
const session = await ort.InferenceSession.create('runs/step.onnx');
const fixed = tensors(given.fixed);
const batch = tensors(given.batches[0]);
const state = tensors(given.state);

const lines = [];
for (let step = 1; step <= 5; step++) {
  const number = new ort.Tensor('float64', [step], []);
  const results = await session.run({ ...state, ...fixed, ...batch, step: number });
  for (const name of Object.keys(results)) {
    if (name.startsWith('next/')) state[name.replace('next/', 'state/')] = results[name];
  }
  lines.push(`step ${step}: loss ${Number(results.loss.data[0]).toFixed(3)}`);
}
document.body.innerText = [...lines, 'done'].join('\n');
