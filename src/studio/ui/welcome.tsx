/** What there is to begin with. */
import { emptyCatalog, withClass } from '../pictures/catalog.js';
import { AddButtons } from './add-pictures.js';
import { Hero } from './parts.js';
import { ShapesStrip } from './shapes.js';
import { changeCatalog, chooseData } from './state.js';

export function Welcome() {
  return (
    <>
      <Hero
        title="Teach your browser to see"
        lead="Train an image classifier on your own pictures in this tab, and watch TrAct race against ordinary training. Nothing leaves your machine."
      />
      <div class="starts">
        <article class="card start">
          <ShapesStrip />
          <h2>Try it at once</h2>
          <p class="muted">
            Ten kinds of shapes and textures, drawn by the page itself: 12,000 small pictures, from dull to
            glaring.
          </p>
          <button
            type="button"
            class="primary"
            onClick={() => {
              chooseData('shapes');
            }}
          >
            Use the shapes
          </button>
        </article>
        <article class="card start">
          <h2>Your own pictures</h2>
          <p class="muted">
            A folder with one folder for each class, a zip of such, single files, or CIFAR’s .bin files. Drop
            them anywhere on this page, or choose them.
          </p>
          <AddButtons />
        </article>
        <article class="card start">
          <h2>Your webcam</h2>
          <p class="muted">
            Make a class, hold a button, and show the camera what belongs to it. Then another.
          </p>
          <button
            type="button"
            onClick={() => {
              changeCatalog(withClass(withClass(emptyCatalog, 'first'), 'second'));
              chooseData('pictures');
            }}
          >
            Begin with two classes
          </button>
        </article>
      </div>
    </>
  );
}
