/** Whether a device is to be trusted with training: its step against that of the CPU, in numbers and in time. */
import { type Device, DeviceError, absence, isNative } from '../engine/device.js';
import { threadsHere } from '../engine/threads.js';
import { resnet18 } from '../models/resnet.js';
import type { Model } from '../nn/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import { sgd } from '../optim/sgd.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { tract } from '../tract/tract.js';
import { checkPositive, checkTrainerOptions } from './check-options.js';
import {
  type Difference,
  changes,
  largestDifference,
  relativeDifference,
  significant,
} from './step-differences.js';
import { StepProbe, noiseBatch } from './step-probe.js';

/** What is compared. */
export interface ProofOptions {
  /** What is to be trained, best with what it is trained with. Default: a ResNet-18 of width 16 with TrAct. */
  readonly model?: Model | Trainable;
  /** Default: SGD with momentum. */
  readonly optimizer?: Optimizer;
  /** Images of a step; with few of them a GPU is not worth its while. Default 32. */
  readonly batchSize?: number;
  /** Timed steps of each device. Default 3. */
  readonly steps?: number;
  /** Threads of the CPU. Default: as in training. */
  readonly threads?: number;
}

/** How far a device's step is from that of the CPU; relative, by tensor: ‖a − b‖ / ‖b‖. */
export interface StepDifferences {
  readonly loss: number;
  /** The largest of the gradients. Gradients that are rounding errors alone are left out here and below. */
  readonly gradients: Difference;
  /** The largest of what the step changes of the weights. */
  readonly updates: Difference;
  /** Of the logits in evaluation, of the same weights. */
  readonly logits: number;
  /**
   * The largest of what all steps together change of the weights: all but the first find the state where the one before has
   * left it, on the device. Absent where the first was wrong.
   */
  readonly later?: Difference;
}

/** What came of comparing a device with the CPU. */
export interface DeviceProof {
  readonly device: Device;
  /** Whether to train on it: its numbers are right, and its steps are not slower than those of the CPU. */
  readonly proven: boolean;
  /** A sentence for people: what decided. */
  readonly reason: string;
  /** Absent where the device made no step. */
  readonly differences?: StepDifferences;
  /** The median step of each; absent where the numbers decided. */
  readonly milliseconds?: { readonly device: number; readonly cpu: number };
}

/** How training is best run here. */
export interface ChosenDevice {
  /** The first candidate that was proven, else `cpu`. */
  readonly device: Device;
  /** Of each candidate that was tried. */
  readonly proofs: readonly DeviceProof[];
  /** In sentences: which device and how many threads are used, and why no other. */
  readonly reasons: readonly string[];
}

/**
 * A mistake in a kernel is seen in the first digit; what processors round differently, from the fifth on, and grows from
 * step to step.
 */
const TOLERANCE = { loss: 1e-3, gradients: 1e-2, updates: 1e-2, logits: 1e-2, later: 0.1 };
/** A device that is that many times slower in one step has lost already. */
const HOPELESS = 4;

/**
 * Compares a training step of a device with that of the CPU (in a browser: WebAssembly): the loss, every gradient, every
 * new weight and what is then made of the images in evaluation, then the time of some steps made in turn, and what they
 * come to. Takes a few seconds on a GPU; nothing is downloaded for a
 * device that is not there.
 *
 * @throws OptionError for an option out of range
 * @throws what the CPU cannot compute either
 */
export async function proveDevice(
  device: Exclude<Device, 'cpu'>,
  options: ProofOptions = {},
): Promise<DeviceProof> {
  const { model = tract(resnet18({ width: 16 })), batchSize = 32, steps = 3, threads } = options;
  const { optimizer = sgd({ learningRate: 0.01, momentum: 0.9 }) } = options;
  checkTrainerOptions({ batchSize, threads });
  checkPositive('steps', steps);
  const refused = (reason: string): DeviceProof => ({ device, proven: false, reason });
  const wrongly = (what: string, differences: StepDifferences): DeviceProof => ({
    ...refused(`${named(device)} computes wrong numbers here: ${what}`),
    differences,
  });
  const absent = await absence(device);
  if (absent !== undefined) return refused(absent);

  const given = trainable(model);
  const settings = { batchSize, optimizer, ...(threads !== undefined && { threads }) };
  const batch = noiseBatch(given.model, batchSize);
  const cpu = await StepProbe.create(given, settings);
  let other: StepProbe | undefined;
  try {
    const before = await cpu.weights();
    const expected = await cpu.gradients(batch);
    const names = significant(expected.gradients);
    await cpu.step(batch);
    const after = await cpu.weights();
    let differences: StepDifferences;
    try {
      other = await StepProbe.create(given, { ...settings, device });
      const found = await other.gradients(batch);
      await other.step(batch);
      differences = {
        loss: Math.abs(found.loss - expected.loss) / Math.abs(expected.loss),
        gradients: largestDifference(found.gradients, expected.gradients, names),
        updates: largestDifference(
          changes(before, await other.weights(), names),
          changes(before, after, names),
        ),
        logits: relativeDifference(await other.logits(batch, after), await cpu.logits(batch, after)),
      };
    } catch (error) {
      return refused(
        error instanceof DeviceError
          ? error.message
          : `${named(device)} failed at the first step: ${firstLine(error)}`,
      );
    }
    const wrong = mistake(differences);
    if (wrong !== undefined) return wrongly(wrong, differences);
    const milliseconds = await timed(cpu, other, batch, steps);
    const later = largestDifference(
      changes(before, await other.weights(), names),
      changes(before, await cpu.weights(), names),
    );
    differences = { ...differences, later };
    const wrongLater = mistake(differences);
    if (wrongLater !== undefined) return wrongly(wrongLater, differences);
    const proven = milliseconds.device <= milliseconds.cpu;
    const times = `${round(milliseconds.device)} ms a step, ${named('cpu')} ${round(milliseconds.cpu)} ms`;
    return {
      device,
      proven,
      reason: `${named(device)} computes what ${named('cpu')} does, ${proven ? 'and is no slower' : 'but is slower here'}: ${times}`,
      differences,
      milliseconds,
    };
  } finally {
    await cpu.release();
    await other?.release();
  }
}

/**
 * The best device to train on here: the first of the candidates that computes what the CPU does and is not slower, else
 * the CPU; and in words why. What it gives as `device` is an option of `Trainer.create`.
 *
 * @param options as for `proveDevice`; `candidates` in the order of preference, by default `webgpu`
 * @throws as `proveDevice`
 */
export async function chooseDevice(
  options: ProofOptions & { readonly candidates?: readonly Exclude<Device, 'cpu'>[] } = {},
): Promise<ChosenDevice> {
  const { candidates = ['webgpu'], ...rest } = options;
  const proofs: DeviceProof[] = [];
  for (const candidate of candidates) {
    const proof = await proveDevice(candidate, rest);
    proofs.push(proof);
    if (proof.proven) break;
  }
  const device = proofs.find(({ proven }) => proven)?.device ?? 'cpu';
  const { reason } = threadsHere(rest.threads);
  return { device, proofs, reasons: [...proofs.map((proof) => proof.reason), reason] };
}

/** Steps in turn, so that what slows the machine down slows both. */
async function timed(
  cpu: StepProbe,
  other: StepProbe,
  batch: Parameters<StepProbe['step']>[0],
  steps: number,
): Promise<{ device: number; cpu: number }> {
  const times = { device: [] as number[], cpu: [] as number[] };
  const time = async (probe: StepProbe): Promise<number> => {
    const started = performance.now();
    await probe.step(batch);
    return performance.now() - started;
  };
  for (let i = 0; i < steps; i++) {
    times.cpu.push(await time(cpu));
    times.device.push(await time(other));
    if (times.device[0] > HOPELESS * times.cpu[0]) break;
  }
  return { device: middle(times.device), cpu: middle(times.cpu) };
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Written so that NaN is a mistake. */
function mistake({ loss, gradients, updates, logits, later }: StepDifferences): string | undefined {
  for (const [what, difference, most] of [
    ['loss', loss, TOLERANCE.loss],
    [`gradient of ${gradients.tensor}`, gradients.difference, TOLERANCE.gradients],
    [`update of ${updates.tensor}`, updates.difference, TOLERANCE.updates],
    ['answer in evaluation', logits, TOLERANCE.logits],
    [`change of ${later?.tensor} in several steps`, later?.difference ?? 0, TOLERANCE.later],
  ] as const) {
    if (!(difference <= most)) return `the ${what} is ${off(difference)}`;
  }
  return undefined;
}

const off = (difference: number): string =>
  Number.isFinite(difference)
    ? `off by ${Number((100 * difference).toPrecision(2))} % of ${named('cpu')}'s`
    : 'not a number';

const named = (device: Device): string =>
  ({ cpu: isNative ? 'the CPU' : 'WebAssembly', webgpu: 'WebGPU', cuda: 'CUDA' })[device];
const round = (milliseconds: number): string => milliseconds.toFixed(milliseconds < 10 ? 1 : 0);
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0];
