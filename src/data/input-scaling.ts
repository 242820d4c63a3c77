/** The scale in which a model sees its pixels. */
import type { ImageDataset, Images } from './dataset.js';

/**
 * `standardized`: each channel has mean 0 and deviation 1 over the training images; `unit`: pixels in [0, 1];
 * `byte`: pixels in [0, 255]. The three of the TrAct paper's ablation.
 */
export const inputScalings = ['standardized', 'unit', 'byte'] as const;
/** One of `inputScalings`. */
export type InputScaling = (typeof inputScalings)[number];

/** The dataset, with its pixels given to models in another scale; nothing is copied. */
export function scaleInput<Of extends Images>(
  dataset: ImageDataset<Of>,
  scaling: InputScaling,
): ImageDataset<Of> {
  if (scaling === 'standardized') return dataset;
  const perChannel = (value: number): number[] => dataset.mean.map(() => value);
  // Pixels scaled to [0, 1] are what mean and deviation are told of.
  return { ...dataset, mean: perChannel(0), deviation: perChannel(scaling === 'unit' ? 1 : 1 / 255) };
}
