/** A short training run that uses nothing but the package's public entry: the same code in Node and in a browser. */
import { type Device, Trainer, adam, limit, shapes, tract, vit } from '../index.js';

export interface FiveSteps {
  /** The loss of each step. */
  readonly losses: number[];
  readonly testLoss: number;
}

/** Trains a small vision transformer with TrAct for five steps and evaluates it. */
export async function fiveSteps(device: Device = 'cpu'): Promise<FiveSteps> {
  const model = vit({ width: 32, depth: 2, heads: 2, patch: 8 });
  const trainer = await Trainer.create(tract(model, { lambda: 0.1 }), {
    optimizer: adam({ learningRate: 1e-3 }),
    batchSize: 16,
    seed: 3,
    device,
  });
  try {
    const losses: number[] = [];
    const { evaluation } = await trainer.fit(limit(shapes({ train: 80, test: 24 }), { test: 20 }), {
      epochs: 1,
      onEvent: (event) => {
        if (event.event === 'step') losses.push(event.loss);
      },
    });
    return { losses, testLoss: evaluation!.loss };
  } finally {
    await trainer.release();
  }
}
