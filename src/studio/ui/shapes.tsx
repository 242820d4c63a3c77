/** The embedded pictures, as they are offered and shown. */
import { useMemo } from 'preact/hooks';
import { shapes } from '../../data/shapes.js';
import { Onward } from './onward.js';
import { SHAPES, catalog, chooseData, count, dataKind } from './state.js';
import { PixelTile } from './thumbnail.js';

/** Of all classes together. */
const STRIP = 20;

const SHOWN_OF_CLASS = 8;

/** Pictures of every class, as the worker will draw them. */
const drawnShapes = (each: number) => {
  const { train, classNames } = shapes({ train: each * 10, test: 10 });
  return { train, classNames };
};

export function ShapesStrip() {
  const { train, classNames } = useMemo(() => drawnShapes(STRIP / 10), []);
  return (
    <div class="thumbs strip">
      {Array.from({ length: STRIP }, (_, i) => (
        <PixelTile
          key={i}
          pixels={train.images.subarray(i * 3072, (i + 1) * 3072)}
          size={32}
          alt={classNames[train.labels[i]]}
        />
      ))}
    </div>
  );
}

export function Shapes() {
  const { train, classNames } = useMemo(() => drawnShapes(SHOWN_OF_CLASS), []);
  return (
    <>
      <h1>Pictures</h1>
      <p class="lead">
        {count(SHAPES.train, 'training picture')} and {count(SHAPES.test, 'test picture')} of ten classes,
        drawn by the page. They vary widely in brightness and contrast, which is what TrAct is good at.
      </p>
      <div class="classes">
        {classNames.map((name, label) => (
          <article key={name} class="card class">
            <h2>{name}</h2>
            <div class="thumbs">
              {Array.from({ length: SHOWN_OF_CLASS }, (_, i) => {
                const image = 10 * i + label;
                return (
                  <PixelTile
                    key={i}
                    pixels={train.images.subarray(image * 3072, (image + 1) * 3072)}
                    size={32}
                    alt=""
                  />
                );
              })}
            </div>
          </article>
        ))}
      </div>
      <Onward />
      <button
        type="button"
        class="quiet"
        onClick={() => {
          dataKind.value = catalog.value.pictures.length > 0 ? 'pictures' : null;
          if (dataKind.value) chooseData('pictures');
        }}
      >
        Use your own pictures instead
      </button>
    </>
  );
}
