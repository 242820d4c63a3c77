// @ts-check
// A callback of your own, which ends the run when the loss is low enough; then the same events in a loop of your own.
import { Trainer, adam, mlp, shapes } from 'tract-ts/node';

/** @param {number} goal @returns {import('tract-ts/node').Callback} */
const stopAt = (goal) => (event) => {
  if (event.event !== 'epoch') return undefined;
  console.log(`epoch ${event.epoch}: loss ${event.trainLoss.toFixed(3)}`);
  return event.trainLoss < goal ? 'stop' : undefined;
};

const dataset = shapes({ train: 512, test: 128 });
const trainer = await Trainer.create(mlp({ width: 64 }), { optimizer: adam(), batchSize: 64 });
const { interrupted } = await trainer.fit(dataset, { epochs: 50, callbacks: [stopAt(2.1)] });
console.log(interrupted ? 'stopped by the callback' : 'the goal was not reached');

// The run goes on where it stood; leaving the loop ends it.
for await (const event of trainer.run(dataset, { epochs: 100 })) {
  if (event.event !== 'epoch') continue;
  console.log(`epoch ${event.epoch}: loss ${event.trainLoss.toFixed(3)}`);
  if (event.trainLoss < 1.9) break;
}
await trainer.release();
