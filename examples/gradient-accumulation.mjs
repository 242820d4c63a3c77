// @ts-check
// Gradient accumulation: a batch of 128 images is computed as four shards of 32, in a quarter of the memory, and gives
// the same step but for rounding (batch norm apart, whose statistics are those of a shard).
import { Trainer, adam, mlp, shapes, tract } from 'tract-ts/node';

const dataset = shapes({ train: 512, test: 128 });

/** @param {number} shards */
async function lossesWith(shards) {
  const model = tract(mlp({ width: 64 }), { lambda: 0.1 });
  const trainer = await Trainer.create(model, { optimizer: adam(), batchSize: 128, shards, seed: 1 });
  const losses = [];
  for await (const event of trainer.run(dataset, { epochs: 5 })) {
    if (event.event === 'step') losses.push(event.loss);
  }
  await trainer.release();
  return losses;
}

const whole = await lossesWith(1);
const accumulated = await lossesWith(4);
console.log(`loss ${accumulated[0].toFixed(3)} -> ${accumulated.at(-1)?.toFixed(3)}`);
const differences = whole.map((loss, step) => Math.abs(loss - accumulated[step]));
console.log(`greatest difference to whole batches ${Math.max(...differences).toExponential(1)}`);
