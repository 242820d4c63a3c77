/** Colours of the page's style sheet, for what is drawn on a canvas. */
import { signal } from '@preact/signals';

/** Grows when the system goes from light to dark, or back. */
export const theme = signal(0);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  theme.value++;
});

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
