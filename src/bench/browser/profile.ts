/** `npm run bench -- --browser --profile`: where the time of a step goes on WebAssembly. */
import { fileURLToPath } from 'node:url';
import { launch } from '../../testing/browser.js';
import { bundle, serve } from '../../testing/web-page.js';
import type { BenchCase } from '../cases.js';
import { type ProfileEvent, summarizeProfile } from '../profile.js';
import type { ProfiledCase } from '../profile-process.js';
import { median } from '../../compare/statistics.js';
import type { profiledSteps } from './own-page.js';

const WARM_UP = 3;
const compiled = fileURLToPath(new URL('../..', import.meta.url));

/** @param threads of WebAssembly; default 1 */
export async function profileInBrowser(
  { name }: BenchCase,
  steps: number,
  threads = 1,
): Promise<ProfiledCase> {
  const source =
    "import { profiledSteps } from './bench/browser/own-page.js'; globalThis.profiledSteps = profiledSteps;";
  const page = await serve((await bundle(source, compiled)).code);
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    // There are no files: ONNX Runtime writes its profile to the console, a line an event.
    const lines: string[] = [];
    tab.on('console', (message) => lines.push(message.text()));
    await tab.goto(page.url);
    const times = await tab.evaluate(
      ([asked, count, width]) =>
        (globalThis as unknown as { profiledSteps: typeof profiledSteps }).profiledSteps(asked, count, width),
      [name, WARM_UP + steps, threads] as const,
    );
    const events = JSON.parse(
      lines.slice(lines.indexOf('['), lines.lastIndexOf(']') + 1).join(''),
    ) as ProfileEvent[];
    return { ...summarizeProfile(events, WARM_UP), wallMilliseconds: median(times.slice(WARM_UP)) };
  } finally {
    await browser.close();
    await page.close();
  }
}
