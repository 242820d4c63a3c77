/** A class with its first pictures, its name, and what can be done with it. */
import { useState } from 'preact/hooks';
import {
  type Catalog,
  type ClassCounts,
  type KeptPicture,
  folderName,
  renamed,
  withoutClass,
} from '../pictures/catalog.js';
import { chosen } from './dropped.js';
import { FileButton } from './parts.js';
import { addFiles, catalog, changeCatalog, count } from './state.js';
import { Thumbnail } from './thumbnail.js';

const THUMBS = 10;

/** The first pictures of each class, as many as are shown. */
export function firstOfClasses({ classNames, pictures }: Catalog): KeptPicture[][] {
  const first = classNames.map((): KeptPicture[] => []);
  for (const picture of pictures)
    if (first[picture.label].length < THUMBS) first[picture.label].push(picture);
  return first;
}

export function ClassCard({
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
        title={name}
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
