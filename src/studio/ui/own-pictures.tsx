/** The user's own pictures, class by class. */
import { useMemo, useState } from 'preact/hooks';
import { classCounts, emptyCatalog, withClass } from '../pictures/catalog.js';
import { AddButtons } from './add-pictures.js';
import { Advice, Broken, Split } from './catalog-notes.js';
import { ClassCard, firstOfClasses } from './class-card.js';
import { ClassDialog } from './class-dialog.js';
import { Onward } from './onward.js';
import { download } from './parts.js';
import { attempt, catalog, changeCatalog, chooseData, count, dataKind, isTest, workers } from './state.js';
import { Webcam } from './webcam.js';

export function OwnPictures() {
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
