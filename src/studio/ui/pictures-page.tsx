/** The first step: what is learned from. */
import { useMemo, useState } from 'preact/hooks';
import { shapes } from '../../data/shapes.js';
import {
  type Catalog,
  type ClassCounts,
  type KeptPicture,
  advice,
  classCounts,
  duplicates,
  emptyCatalog,
  folderName,
  renamed,
  withClass,
  withoutClass,
  withoutDuplicates,
} from '../pictures/catalog.js';
import { ClassDialog } from './class-dialog.js';
import { chosen } from './dropped.js';
import { FileButton, download, percent } from './parts.js';
import {
  SHAPES,
  addFiles,
  attempt,
  catalog,
  changeCatalog,
  chooseData,
  count,
  dataKind,
  goTo,
  importing,
  isTest,
  noTraining,
  suggestSettings,
  takeIn,
  workers,
} from './state.js';
import { PixelTile, Thumbnail } from './thumbnail.js';
import { Webcam } from './webcam.js';

export function PicturesPage() {
  if (dataKind.value === null) return <Welcome />;
  return dataKind.value === 'shapes' ? <Shapes /> : <OwnPictures />;
}

function Welcome() {
  return (
    <>
      <section class="hero">
        <h1>Teach your browser to see</h1>
        <p class="lead">
          Train an image classifier on your own pictures in this tab, and watch TrAct race against ordinary
          training. Nothing leaves your machine.
        </p>
      </section>
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
          <Importing />
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

const STRIP = 20;
const SHOWN_OF_CLASS = 8;

/** Pictures of every class, as the worker will draw them. */
const drawnShapes = (each: number) => {
  const { train, classNames } = shapes({ train: each * 10, test: 10 });
  return { train, classNames };
};

function ShapesStrip() {
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

function Shapes() {
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

function AddButtons() {
  const add = (files: readonly File[]): void => {
    void takeIn(chosen(files));
  };
  return (
    <div class="buttons">
      <FileButton folder onFiles={add}>
        Choose a folder
      </FileButton>
      <FileButton multiple accept="image/*,.zip,.bin" onFiles={add}>
        Choose files or a zip
      </FileButton>
    </div>
  );
}

function Importing() {
  const now = importing.value;
  if (!now) return null;
  return (
    <p class="working" role="status">
      <progress max={now.total} value={now.done} aria-label="Pictures looked at" /> Looking at pictures:{' '}
      {now.done.toLocaleString('en')} of {now.total.toLocaleString('en')}
    </p>
  );
}

function Onward() {
  const obstacle = noTraining.value;
  return (
    <div class="onward">
      {obstacle === undefined ? (
        <button
          type="button"
          class="primary large"
          onClick={() => {
            goTo('model');
          }}
        >
          On to the model
        </button>
      ) : (
        <p class="muted">{obstacle}</p>
      )}
    </div>
  );
}

function OwnPictures() {
  const [open, setOpen] = useState<number | null>(null);
  const [camera, setCamera] = useState<number | null>(null);
  const now = catalog.value;
  const counts = classCounts(now, isTest.value);
  const { classNames, pictures } = now;
  const firstOnes = useMemo(() => firstOfClasses(now), [now]);
  return (
    <>
      <h1>Pictures</h1>
      <p class="lead">
        {count(pictures.length, 'picture')} of {classNames.length}{' '}
        {classNames.length === 1 ? 'class' : 'classes'}, kept on this machine.
      </p>
      <div class="toolbar">
        <AddButtons />
        <NewClass />
        {pictures.length > 0 && <ExportButton />}
      </div>
      <Importing />
      <Advice of={now} />
      <Broken />
      {pictures.length > 0 && <Split counts={counts} />}
      <div class="classes">
        {classNames.map((name, label) => (
          <ClassCard
            key={name}
            label={label}
            counts={counts[label]}
            first={firstOnes[label]}
            onOpen={() => {
              setOpen(label);
            }}
            onCamera={() => {
              setCamera(label);
            }}
          />
        ))}
      </div>
      <Onward />
      <p class="buttons">
        <button
          type="button"
          class="quiet"
          onClick={() => {
            chooseData('shapes');
          }}
        >
          Use the shapes instead
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            if (!confirm('Delete all pictures from this page? The files they came from stay as they are.'))
              return;
            changeCatalog(emptyCatalog);
            dataKind.value = null;
            void attempt(() => workers().pictures.sweep([]));
          }}
        >
          Delete all
        </button>
      </p>
      {open !== null && open < classNames.length && (
        <ClassDialog
          label={open}
          onClose={() => {
            setOpen(null);
          }}
        />
      )}
      {camera !== null && (
        <Webcam
          className={classNames[camera]}
          onClose={() => {
            setCamera(null);
          }}
        />
      )}
    </>
  );
}

function NewClass() {
  const [name, setName] = useState('');
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === '') return;
        changeCatalog(withClass(catalog.value, name));
        setName('');
      }}
    >
      <input
        type="text"
        aria-label="Name of a new class"
        placeholder="New class"
        value={name}
        onInput={({ currentTarget }) => {
          setName(currentTarget.value);
        }}
      />
      <button type="submit">Add class</button>
    </form>
  );
}

function ExportButton() {
  const [busy, setBusy] = useState(false);
  return (
    <button
      type="button"
      disabled={busy}
      onClick={() => {
        setBusy(true);
        void attempt(async () => {
          download(await workers().pictures.zip(catalog.value), 'pictures.zip');
        }).finally(() => {
          setBusy(false);
        });
      }}
    >
      {busy ? 'Packing the pictures…' : 'Save as a zip'}
    </button>
  );
}

function Advice({ of }: { readonly of: Catalog }) {
  const sentences = useMemo(() => (of.pictures.length === 0 ? [] : advice(of)), [of]);
  const twice = useMemo(() => duplicates(of).length > 0, [of]);
  if (sentences.length === 0) return null;
  return (
    <section class="note" aria-label="What to look at">
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {twice && (
        <button
          type="button"
          onClick={() => {
            changeCatalog(withoutDuplicates(catalog.value));
          }}
        >
          Keep one of each
        </button>
      )}
    </section>
  );
}

const BROKEN_SHOWN = 200;

function Broken() {
  const { broken } = catalog.value;
  if (broken.length === 0) return null;
  return (
    <details class="note">
      <summary>{count(broken.length, 'file')} could not be read</summary>
      <ul>
        {broken.slice(0, BROKEN_SHOWN).map(({ name, reason }, i) => (
          <li key={i}>
            <b>{name}</b>: {reason}
          </li>
        ))}
        {broken.length > BROKEN_SHOWN && <li>and {broken.length - BROKEN_SHOWN} more</li>}
      </ul>
      <button
        type="button"
        onClick={() => {
          changeCatalog({ ...catalog.value, broken: [] });
        }}
      >
        Clear the list
      </button>
    </details>
  );
}

function Split({ counts }: { readonly counts: readonly ClassCounts[] }) {
  const { pictures, testShare } = catalog.value;
  const test = counts.reduce((sum, one) => sum + one.test, 0);
  const drawn = pictures.some(({ part }) => part === 'auto');
  return (
    <section class="split" aria-label="Training and test pictures">
      <p>
        <b>{count(pictures.length - test, 'picture')}</b> to train on, <b>{count(test, 'picture')}</b> to test
        with.{' '}
        <span class="muted">
          {drawn
            ? 'Test pictures are drawn from every class alike, and never trained on.'
            : 'As the folders say that they came in.'}
        </span>
      </p>
      {drawn && (
        <label class="range">
          <span>Test share</span>
          <input
            type="range"
            min="5"
            max="50"
            step="5"
            value={Math.round(100 * testShare)}
            aria-valuetext={percent(testShare, 0)}
            onInput={({ currentTarget }) => {
              changeCatalog({ ...catalog.value, testShare: Number(currentTarget.value) / 100 });
              suggestSettings();
            }}
          />
          <output>{percent(testShare, 0)}</output>
        </label>
      )}
    </section>
  );
}

const THUMBS = 10;

/** The first pictures of each class, as many as are shown. */
function firstOfClasses({ classNames, pictures }: Catalog): KeptPicture[][] {
  const first = classNames.map((): KeptPicture[] => []);
  for (const picture of pictures)
    if (first[picture.label].length < THUMBS) first[picture.label].push(picture);
  return first;
}

function ClassCard({
  label,
  counts,
  first,
  onOpen,
  onCamera,
}: {
  readonly label: number;
  readonly counts: ClassCounts;
  readonly first: readonly KeptPicture[];
  readonly onOpen: () => void;
  readonly onCamera: () => void;
}) {
  const { classNames } = catalog.value;
  const name = classNames[label];
  const total = counts.train + counts.test;
  // Kept here, since the card may be drawn again meanwhile.
  const [typed, setTyped] = useState<string>();
  return (
    <article class="card class" data-class={name}>
      <input
        class="name"
        type="text"
        value={typed ?? name}
        aria-label={`Name of the class ${name}`}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value);
        }}
        onKeyDown={({ key, currentTarget }) => {
          if (key === 'Enter') currentTarget.blur();
        }}
        onBlur={({ currentTarget: { value } }) => {
          setTyped(undefined);
          if (value === name || value.trim() === '') return;
          const given = folderName(value);
          const other = classNames.indexOf(given);
          const merges = other >= 0 && other !== label;
          if (
            !merges ||
            confirm(`There is a class “${given}” already. Put the pictures of “${name}” into it?`)
          )
            changeCatalog(renamed(catalog.value, label, given));
        }}
      />
      <p class="muted">
        {count(total, 'picture')}
        {total > 0 && `: ${counts.train} to train, ${counts.test} to test`}
      </p>
      <div class="thumbs">
        {first.map((picture) => (
          <Thumbnail key={picture.id} picture={picture} alt="" />
        ))}
      </div>
      <div class="buttons small">
        {total > 0 && (
          <button type="button" onClick={onOpen} aria-label={`Look at all pictures of ${name}`}>
            Look at all
          </button>
        )}
        <FileButton
          multiple
          accept="image/*"
          label={`Add files to ${name}`}
          onFiles={(files) => void addFiles(chosen(files), { into: name, forced: true })}
        >
          Add files
        </FileButton>
        <button type="button" onClick={onCamera} aria-label={`Webcam: record pictures of ${name}`}>
          Webcam
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={`Delete the class ${name}`}
          onClick={() => {
            if (total === 0 || confirm(`Delete “${name}” with ${count(total, 'picture')}?`))
              changeCatalog(withoutClass(catalog.value, label));
          }}
        >
          Delete
        </button>
      </div>
    </article>
  );
}
