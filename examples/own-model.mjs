// @ts-check
// A model of your own: a function that declares its parameters in a scope and gives the logits. TrAct finds its first layer.
import { Trainer, adam, defineModel, nn, op, shapes, tract } from 'tract-ts/node';

const model = defineModel({ name: 'two-blocks', imageShape: [3, 32, 32], classes: 10 }, (scope, images) => {
  let x = images;
  for (const [index, channels] of [16, 32].entries()) {
    const block = scope.child('blocks').child(index); // parameters are called blocks.0.conv.weight, …
    x = nn.conv2d(block.child('conv'), x, channels, { kernelSize: 3, stride: 2, padding: 1 });
    x = op.relu(nn.batchNorm(block.child('norm'), x));
  }
  return nn.linear(scope.child('head'), op.reshape(x, [x.shape[0], -1]), 10);
});

const dataset = shapes({ train: 1000, test: 200 });
const trainer = await Trainer.create(tract(model, { lambda: 0.1 }), { optimizer: adam(), batchSize: 50 });
console.log(trainer.weightNames.join(' '));
await trainer.fit(dataset, {
  epochs: 4,
  onEvent: (event) => {
    if (event.event === 'epoch') console.log(`epoch ${event.epoch}: loss ${event.trainLoss.toFixed(3)}`);
  },
});
await trainer.release();
