/** Takes pictures in, and shows how far that is. */
import { chosen } from './dropped.js';
import { FileButton } from './parts.js';
import { importing, takeIn } from './state.js';

export function AddButtons() {
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

export function Importing() {
  const now = importing.value;
  if (!now) return null;
  return (
    <p class="working" role="status">
      <progress max={now.total} value={now.done} aria-label="Pictures looked at" /> Looking at pictures:{' '}
      {now.done.toLocaleString('en')} of {now.total.toLocaleString('en')}
    </p>
  );
}
