/** The button to another step of the way. */
import type { ComponentChildren } from 'preact';
import { type Stage, goTo } from './state.js';

export function GoOn({ to, children }: { readonly to: Stage; readonly children: ComponentChildren }) {
  return (
    <button
      type="button"
      class="primary large"
      onClick={() => {
        goTo(to);
      }}
    >
      {children}
    </button>
  );
}
