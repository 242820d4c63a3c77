/** Test-time augmentation: the mean over views of an image. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resnet18 } from '../models/resnet.js';
import { Random } from '../random/random.js';
import { toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { Evaluator } from '../train/evaluator.js';
import { Trainer } from '../train/trainer.js';
import { sgd } from '../optim/sgd.js';
import { type TestViews, withTestViews } from './test-views.js';

const size = 8;
const model = resnet18({ width: 4, imageSize: size });
const standardization = { mean: [0.5, 0.4, 0.6], deviation: [0.2, 0.3, 0.25] };
const random = Random.fromSeed(1);
const images = Uint8Array.from({ length: 3 * 3 * size * size }, () => random.integer(256));

/** Each image moved by so many pixels down and right, with what is mirrored at the edge coming in. */
function moved(by: number, flip: boolean): typeof images {
  const within = (at: number): number => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at);
  return images.map((_, at) => {
    const [plane, row] = [at - (at % (size * size)), Math.floor((at % (size * size)) / size)];
    const column = flip ? size - 1 - (at % size) : at % size;
    return images[plane + within(row + by) * size + within(column + by)];
  });
}

describe('views', () => {
  it('are weighted as their definition says, and change nothing of the model', async () => {
    const trainer = await Trainer.create(model, { optimizer: sgd({ learningRate: 0.1 }), threads: 1 });
    const learned = { weights: await trainer.weights(), standardization };
    const answers = async (testViews: TestViews, pixels = images): Promise<number[]> => {
      const evaluator = await Evaluator.create(model, { batchSize: 2, threads: 1, testViews });
      const logits = await evaluator.predict(learned, pixels);
      await evaluator.release();
      return toNumbers(logits);
    };
    const plain = async (by: number, flip: boolean): Promise<number[]> => answers('none', moved(by, flip));
    const [straight, mirrored] = [await plain(0, false), await plain(0, true)];
    assert.notDeepEqual(straight, mirrored);
    const flip = straight.map((value, i) => (value + mirrored[i]) / 2);
    assertWithin(await answers('flip'), flip, 1e-5, 'flip');
    const others: number[][] = [];
    for (const by of [-1, 1]) for (const side of [false, true]) others.push(await plain(by, side));
    const wanted = flip.map((value, i) => value / 2 + others.reduce((sum, one) => sum + one[i] / 8, 0));
    assertWithin(await answers('flip-shift'), wanted, 1e-5, 'flip-shift');
    await trainer.release();
  });

  it('that do not exist are refused', () => {
    assert.throws(
      () => withTestViews(model, 'mirror' as TestViews),
      /must be one of none, flip, flip-shift, not "mirror"/,
    );
    assert.equal(withTestViews(model, 'none'), model);
  });
});
