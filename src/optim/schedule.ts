/** Learning rates over the steps of a run. */

export interface Schedule {
  /** Such as `cosine`. */
  readonly name: string;
  readonly config: Readonly<Record<string, number>>;
  /**
   * The learning rate of a step.
   *
   * @param step counted from 0
   * @param total the number of steps of the whole run
   */
  rate(step: number, total: number): number;
}

export interface ScheduleOptions {
  /** The highest learning rate. */
  readonly lr: number;
  /** Steps in which the rate first grows linearly from lr / warmup to lr. Default 0. */
  readonly warmup?: number;
}

function schedule(
  name: string,
  { lr, warmup = 0 }: ScheduleOptions,
  shape: (progress: number) => number,
): Schedule {
  if (!(Number.isFinite(lr) && lr >= 0))
    throw new RangeError(`the learning rate must be finite and not negative, not ${lr}`);
  if (!(Number.isSafeInteger(warmup) && warmup >= 0)) {
    throw new RangeError(`warm-up takes a whole number of steps, not ${warmup}`);
  }
  return {
    name,
    config: { lr, warmup },
    rate(step, total) {
      if (step < warmup) return (lr * (step + 1)) / warmup;
      return lr * shape((step - warmup) / Math.max(total - warmup, 1));
    },
  };
}

/** The same rate throughout, after the warm-up. */
export const constant = (options: ScheduleOptions): Schedule => schedule('constant', options, () => 1);

/** Half a cosine wave from lr to 0 over the steps after the warm-up (Loshchilov and Hutter, 2017). */
export const cosine = (options: ScheduleOptions): Schedule =>
  schedule('cosine', options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
