/** Test-time augmentation: a model that sees an image in several views, and answers by the mean of its logits. */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import { tensor } from '../tensor/tensor.js';
import type { Model } from './model.js';
import { padImage } from './padding.js';

/**
 * `flip`: the image and its mirror image; `flip-shift`: both also moved by one pixel up and left, and down and right, the
 * unmoved two together counting as much as the moved four (airbench's test-time augmentation, Jordan, 2024).
 */
export const testViews = ['none', 'flip', 'flip-shift'] as const;
/** One of `testViews`. */
export type TestViews = (typeof testViews)[number];

/** How many views there are of an image. */
export const viewCount: Readonly<Record<TestViews, number>> = { none: 1, flip: 2, 'flip-shift': 6 };

/**
 * The same model, answering in evaluation by the weighted mean over views of the image; in training it is as it was. It
 * has the same parameters, name and options, and costs as many times the time as there are views.
 *
 * @throws OptionError for a name that is none of `testViews`
 */
export function withTestViews(model: Model, views: TestViews): Model {
  if (!(testViews as readonly string[]).includes(views))
    throw new OptionError(
      `test-time views must be one of ${testViews.join(', ')}, not ${JSON.stringify(views)}`,
    );
  if (views === 'none') return model;
  return {
    ...model,
    forward(scope, images) {
      if (scope.training) return model.forward(scope, images);
      const shown = scope.child('views').build(() => viewsOf(images, views));
      const all = scope.child('views').build(() =>
        op.concat(
          shown.map(({ view }) => view),
          0,
        ),
      );
      const logits = model.forward(scope, all);
      return scope.child('views').build(() => {
        const weights = shown.map(({ weight }) => weight);
        const shares = images.graph.constant(tensor('float32', [weights.length, 1, 1], weights));
        const apart = op.reshape(logits, [weights.length, images.shape[0], model.classes]);
        return op.reduceSum(op.mul(apart, shares), [0]);
      });
    },
  };
}

interface View {
  readonly view: Value;
  readonly weight: number;
}

/** @param images [N, C, H, W] */
function viewsOf(images: Value, views: TestViews): View[] {
  if (views === 'flip') return withMirrored(images, 1);
  const [, , height, width] = images.shape;
  const padded = padImage(images, [1, 1, 1, 1], 'reflect');
  const moved = (by: number): Value =>
    op.slice(padded, [
      { axis: 2, start: 1 + by, end: 1 + by + height },
      { axis: 3, start: 1 + by, end: 1 + by + width },
    ]);
  return [
    ...withMirrored(images, 1 / 2),
    ...withMirrored(moved(-1), 1 / 4),
    ...withMirrored(moved(1), 1 / 4),
  ];
}

function withMirrored(images: Value, weight: number): View[] {
  const width = images.shape[3];
  const mirrored = op.slice(images, [{ axis: 3, start: width - 1, end: -1, step: -1 }]);
  return [images, mirrored].map((view) => ({ view, weight: weight / 2 }));
}
