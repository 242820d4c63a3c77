/** Ends a run that no longer gets better. */
import { OptionError } from '../../tensor/option-error.js';
import { evaluationOf } from '../events.js';
import type { Callback } from '../options.js';

/** When a run no longer gets better. */
export interface EarlyStoppingOptions {
  /** After how many epochs without an improvement the run ends; at least 1. */
  readonly patience: number;
  /** By how much a figure has to be better than the best before it; at least 0. Default 0. */
  readonly minimumImprovement?: number;
  /** `loss`, `accuracy`, or the name of one of the trainer's metrics. Default `loss`. */
  readonly metric?: string;
  /** Which figures are better. Default: `lower` for the loss, `higher` for everything else. */
  readonly better?: 'lower' | 'higher';
}

/**
 * Ends a run when its evaluation at the end of an epoch has not improved for `patience` epochs: that on the validation
 * images of a dataset that has some. On test images it would choose by what is reported: give the dataset validation
 * images (`splitValidation`). Each `fit` starts counting anew.
 *
 * @throws OptionError for an option out of range; and at the end of an epoch for a metric that the trainer does not
 *   measure, or that is a list of numbers
 */
export function earlyStopping(options: EarlyStoppingOptions): Callback {
  const { patience, minimumImprovement = 0, metric = 'loss' } = options;
  const { better = metric === 'loss' ? 'lower' : 'higher' } = options;
  if (!(Number.isSafeInteger(patience) && patience >= 1))
    throw new OptionError(`earlyStopping: patience must be a positive whole number, not ${patience}`);
  if (!(minimumImprovement >= 0 && Number.isFinite(minimumImprovement)))
    throw new OptionError(`earlyStopping: minimumImprovement must be at least 0, not ${minimumImprovement}`);
  let best: number | undefined;
  let without = 0;
  const callback: Callback = (event) => {
    if (event.event !== 'epoch') return;
    const figure = figureOf(evaluationOf(event), metric);
    const gain = best === undefined ? Infinity : better === 'lower' ? best - figure : figure - best;
    // Written so that NaN is no improvement.
    if (!Number.isNaN(figure) && gain > minimumImprovement) {
      best = figure;
      without = 0;
      return;
    }
    without++;
    return without >= patience ? 'stop' : undefined;
  };
  return Object.assign(callback, {
    begin: () => {
      best = undefined;
      without = 0;
    },
  });
}

function figureOf({ loss, accuracy, metrics = {} }: ReturnType<typeof evaluationOf>, metric: string): number {
  const figures: Readonly<Record<string, number | readonly number[]>> = { ...metrics, loss, accuracy };
  const found = Object.hasOwn(figures, metric) ? figures[metric] : undefined;
  if (typeof found === 'number') return found;
  const numbers = Object.keys(figures).filter((name) => typeof figures[name] === 'number');
  throw new OptionError(
    `earlyStopping: ${JSON.stringify(metric)} is no figure of this run; there are ${numbers.join(', ')}`,
  );
}
