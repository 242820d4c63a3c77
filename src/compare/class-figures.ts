/** What a classifier does class by class: confusions, precision and recall, and the mistakes it was surest of. */

/** One class's figures. */
export interface ClassFigures {
  readonly name: string;
  /** Of this class. */
  readonly images: number;
  /** Of those taken for the class, the share that is of it; NaN where none was. */
  readonly precision: number;
  /** Of those of the class, the share that was taken for it; NaN where there are none. */
  readonly recall: number;
  /** The harmonic mean of the two: 2 · right / (taken + images); NaN where both are none. */
  readonly f1: number;
}

/** An image that was taken for something else. */
export interface Mistake {
  /** Its position in the split. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** Of the predicted class, 0 to 1. */
  readonly probability: number;
  /** Cross entropy. */
  readonly loss: number;
}

/** A class taken for another. */
export interface Confusion {
  readonly label: number;
  readonly predicted: number;
  readonly images: number;
}

/** Collects logits, batch by batch; memory is that of the pairs of classes that occur. */
export class ClassTally {
  readonly #classNames: readonly string[];
  readonly #mostMistakes: number;
  /** By label * classes + predicted. */
  readonly #pairs = new Map<number, number>();
  /** In the order of their losses, the greatest first. */
  readonly #mistakes: Mistake[] = [];
  #images = 0;

  constructor(classNames: readonly string[], mostMistakes: number) {
    this.#classNames = classNames;
    this.#mostMistakes = mostMistakes;
  }

  /**
   * @param logits float32 [images, classes], of the images behind those added before
   * @param labels the class of each
   */
  add(logits: Float32Array, labels: Int32Array): void {
    const classes = this.#classNames.length;
    for (let i = 0; i < labels.length; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      const label = labels[i];
      let predicted = 0;
      for (let k = 1; k < classes; k++) if (row[k] > row[predicted]) predicted = k;
      const pair = label * classes + predicted;
      this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + 1);
      if (predicted !== label) this.#keep(row, { index: this.#images + i, label, predicted });
    }
    this.#images += labels.length;
  }

  #keep(row: Float32Array, mistake: Pick<Mistake, 'index' | 'label' | 'predicted'>): void {
    const greatest = row[mistake.predicted];
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - greatest);
    const loss = Math.log(sum) + greatest - row[mistake.label];
    const all = this.#mistakes;
    if (all.length === this.#mostMistakes && !(loss > (all.at(-1)?.loss ?? -Infinity))) return;
    const place = all.findIndex((one) => one.loss < loss);
    all.splice(place < 0 ? all.length : place, 0, { ...mistake, probability: 1 / sum, loss });
    if (all.length > this.#mostMistakes) all.pop();
  }

  /** Images of a class that were taken for another, or for itself. */
  count(label: number, predicted: number): number {
    return this.#pairs.get(label * this.#classNames.length + predicted) ?? 0;
  }

  /** Those with the greatest loss, the worst first. */
  get mistakes(): readonly Mistake[] {
    return this.#mistakes;
  }

  /** Classes taken for others, the most frequent first. */
  get confusions(): Confusion[] {
    const classes = this.#classNames.length;
    return [...this.#pairs]
      .map(([pair, images]) => ({ label: Math.floor(pair / classes), predicted: pair % classes, images }))
      .filter(({ label, predicted }) => label !== predicted)
      .sort((a, b) => b.images - a.images || a.label - b.label || a.predicted - b.predicted);
  }

  /** Class by class, in their order. */
  figures(): ClassFigures[] {
    const classes = this.#classNames.length;
    const [of, taken, right] = [0, 1, 2].map(() => new Float64Array(classes));
    for (const [pair, images] of this.#pairs) {
      const [label, predicted] = [Math.floor(pair / classes), pair % classes];
      of[label] += images;
      taken[predicted] += images;
      if (label === predicted) right[label] += images;
    }
    return this.#classNames.map((name, k) => ({
      name,
      images: of[k],
      precision: right[k] / taken[k],
      recall: right[k] / of[k],
      f1: (2 * right[k]) / (taken[k] + of[k]),
    }));
  }
}
