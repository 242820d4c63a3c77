/** All pictures of a class, to be chosen and moved. */
import { useState } from 'preact/hooks';
import { type Part, moved, without, withPart } from '../pictures/catalog.js';
import { Dialog, Pager } from './parts.js';
import { catalog, changeCatalog, count, isTest, suggestSettings } from './state.js';
import { Thumbnail } from './thumbnail.js';

const PER_PAGE = 96;

const parts = [
  ['train', 'for training'],
  ['test', 'for testing'],
  ['auto', 'for either, as drawn'],
] as const satisfies readonly (readonly [Part, string])[];

/** Something that is done with one of several by a button: the arrow keys change what a select says, and must do nothing yet. */
function ChooseAndDo<T extends string>({
  label,
  button,
  options,
  onDo,
}: {
  readonly label: string;
  readonly button: string;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly onDo: (value: T) => void;
}) {
  const [at, setAt] = useState(0);
  const chosen = Math.min(at, options.length - 1);
  return (
    <span class="choose-and-do">
      <select
        aria-label={label}
        onChange={({ currentTarget }) => {
          setAt(currentTarget.selectedIndex);
        }}
      >
        {options.map(([value, text], i) => (
          <option key={value} value={value} selected={i === chosen}>
            {text}
          </option>
        ))}
      </select>
      <button
        type="button"
        onClick={() => {
          onDo(options[chosen][0]);
        }}
      >
        {button}
      </button>
    </span>
  );
}

export function ClassDialog({ label, onClose }: { readonly label: number; readonly onClose: () => void }) {
  const [page, setPage] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const { classNames, pictures } = catalog.value;
  const test = isTest.value;
  const own = pictures.flatMap((picture, i) => (picture.label === label ? [{ picture, test: test[i] }] : []));
  const pages = Math.max(1, Math.ceil(own.length / PER_PAGE));
  const at = Math.min(page, pages - 1);
  const shown = own.slice(at * PER_PAGE, (at + 1) * PER_PAGE);
  const act = (next: typeof catalog.value): void => {
    changeCatalog(next);
    setChosen(new Set());
    suggestSettings();
  };
  const toggle = (id: number): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <Dialog title={classNames[label]} onClose={onClose}>
      <p class="muted">
        {count(own.length, 'picture')}. Choose some to move or delete them, or to say what they are for; a dot
        marks test pictures.
      </p>
      <div class="toolbar" role="group" aria-label="What to do with the chosen pictures">
        <b aria-live="polite">{count(chosen.size, 'picture')} chosen</b>
        <button
          type="button"
          onClick={() => {
            const all = shown.every(({ picture }) => chosen.has(picture.id));
            setChosen(new Set(all ? [] : [...chosen, ...shown.map(({ picture }) => picture.id)]));
          }}
        >
          All of this page
        </button>
        {chosen.size > 0 && (
          <>
            {classNames.length > 1 && (
              <ChooseAndDo
                label="Move to another class"
                button="Move"
                options={classNames.flatMap((name, i) => (i === label ? [] : [[String(i), name] as const]))}
                onDo={(into) => {
                  act(moved(catalog.value, chosen, Number(into)));
                }}
              />
            )}
            <ChooseAndDo
              label="Use for training or testing"
              button="Use"
              options={parts}
              onDo={(part) => {
                act(withPart(catalog.value, chosen, part));
              }}
            />
            <button
              type="button"
              onClick={() => {
                act(without(catalog.value, chosen));
              }}
            >
              Delete
            </button>
          </>
        )}
      </div>
      <ul class="grid">
        {shown.map(({ picture, test: tested }) => (
          <li key={picture.id}>
            <label class={chosen.has(picture.id) ? 'chosen' : ''}>
              <input
                type="checkbox"
                checked={chosen.has(picture.id)}
                onChange={() => {
                  toggle(picture.id);
                }}
              />
              <Thumbnail picture={picture} alt={`${picture.name}${tested ? ', test picture' : ''}`} />
              {tested && <span class="dot" aria-hidden="true" />}
            </label>
          </li>
        ))}
      </ul>
      <Pager page={at} pages={pages} onChange={setPage} />
    </Dialog>
  );
}
