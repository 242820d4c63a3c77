/** The same twenty steps on any engine: the code runs in Node and in a page. */
import { batches } from '../../bench/images.js';
import type { Device } from '../../engine/device.js';
import { mlp } from '../../models/mlp.js';
import { resnet18 } from '../../models/resnet.js';
import { vit } from '../../models/vit.js';
import type { Model } from '../../nn/model.js';
import { adam } from '../../optim/adam.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { sgd } from '../../optim/sgd.js';
import { trainable } from '../../optim/trainable.js';
import { toSafetensors } from '../../tensor/safetensors.js';
import { tract } from '../../tract/tract.js';
import { StepProbe } from '../../train/step-probe.js';

interface TrainedModel {
  readonly title: string;
  readonly model: () => Model;
  readonly optimizer: () => Optimizer;
}

const momentum = (): Optimizer => sgd({ learningRate: 0.002, momentum: 0.9 });

export const trainedModels = {
  resnet18: {
    title: 'ResNet-18 of width 16, SGD with momentum',
    model: () => resnet18({ width: 16 }),
    optimizer: momentum,
  },
  vit: {
    title: 'ViT of width 96, depth 4 and 3 heads, Adam',
    model: () => vit({ width: 96, depth: 4, heads: 3, mlpRatio: 2 }),
    optimizer: () => adam({ learningRate: 1e-3 }),
  },
  mlp: {
    title: 'MLP of two hidden layers of 256, SGD with momentum',
    model: () => mlp(),
    optimizer: momentum,
  },
} satisfies Record<string, TrainedModel>;

export type TrainedName = keyof typeof trainedModels;

export interface TrainingRequest {
  readonly model: TrainedName;
  readonly device: Device;
  readonly threads: number;
  readonly batchSize: number;
  readonly steps: number;
}

/** What is to be the same on all engines. */
export interface TrainedSteps {
  readonly losses: readonly number[];
  /** Of the first batch at the initial weights: a safetensors file. */
  readonly gradients: Uint8Array;
  /** After the last step, running statistics included: a safetensors file. */
  readonly weights: Uint8Array;
  /** Where the state lies between steps. */
  readonly location: string;
}

/** Trains with TrAct on the embedded images. */
export async function trainSteps(request: TrainingRequest): Promise<TrainedSteps> {
  const { model: makeModel, optimizer } = trainedModels[request.model];
  const { batchSize, steps, device, threads } = request;
  const model = makeModel();
  const { inputs, standardization } = batches(model, batchSize);
  const probe = await StepProbe.create(trainable(tract(model)), {
    optimizer: optimizer(),
    batchSize,
    standardization,
    device,
    threads,
  });
  try {
    const { gradients } = await probe.gradients(inputs[0]);
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) losses.push(await probe.step(inputs[i % inputs.length]));
    // Before it is read, which brings it into main memory.
    const { location } = probe;
    return {
      losses,
      location,
      gradients: toSafetensors({ tensors: gradients, metadata: {} }),
      weights: toSafetensors({ tensors: await probe.weights(), metadata: {} }),
    };
  } finally {
    await probe.release();
  }
}
