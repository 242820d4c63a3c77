/** What is said of the user's pictures: what to look at, what could not be read, what is tested with. */
import { useMemo } from 'preact/hooks';
import {
  type Catalog,
  type ClassCounts,
  advice,
  duplicates,
  isContradictory,
  withoutContradictions,
  withoutDuplicates,
} from '../pictures/catalog.js';
import { percent } from './parts.js';
import { catalog, changeCatalog, count, suggestSettings } from './state.js';

export function Advice({ of }: { readonly of: Catalog }) {
  const sentences = useMemo(() => (of.pictures.length === 0 ? [] : advice(of)), [of]);
  const sets = useMemo(() => duplicates(of), [of]);
  const contradictory = sets.filter(isContradictory).length;
  if (sentences.length === 0) return null;
  return (
    <section class="note" aria-label="What to look at">
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <div class="buttons">
        {sets.length > contradictory && (
          <button
            type="button"
            onClick={() => {
              changeCatalog(withoutDuplicates(catalog.value));
            }}
          >
            Keep one of each
          </button>
        )}
        {contradictory > 0 && (
          <button
            type="button"
            onClick={() => {
              changeCatalog(withoutContradictions(catalog.value));
            }}
          >
            Leave out what is in more than one class
          </button>
        )}
      </div>
    </section>
  );
}

const BROKEN_SHOWN = 200;

export function Broken() {
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

export function Split({ counts }: { readonly counts: readonly ClassCounts[] }) {
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
