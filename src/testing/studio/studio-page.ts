/** The Studio's page in a browser, watched: no console error, no request to another origin, no serious finding of axe. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { serveStudio, studioFolder } from '../../cli/studio-server.js';
import { zipEntries } from '../../studio/pictures/zip-reader.js';
import { launch } from '../browser.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe says of a page, as much of it as is used. */
interface AxeFinding {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

export interface StudioOptions {
  /** Where screenshots are put; none are made without it. */
  readonly screenshots?: string;
  /** Whether the server sends the headers of isolation. Default true. */
  readonly isolated?: boolean;
  /** The path that the page lies under. Default `/`. */
  readonly base?: string;
  readonly serviceWorkers?: 'allow' | 'block';
  /** Whether the browser has WebGPU: SwiftShader's, on the CPU. Default false. */
  readonly webgpu?: boolean;
}

/** How the page is looked at for screenshots and by axe. */
const views = [
  { name: 'phone', width: 390, height: 844 },
  { name: 'desktop', width: 1600, height: 1000 },
] as const;
const schemes = ['light', 'dark'] as const;

export class StudioPage {
  readonly page: Page;
  readonly url: string;
  readonly context: BrowserContext;
  readonly #browser: Browser;
  readonly #close: () => Promise<void>;
  readonly #screenshots: string | undefined;
  readonly #complaints: string[] = [];
  readonly #requested: string[] = [];
  #shots = 0;

  private constructor(
    browser: Browser,
    context: BrowserContext,
    page: Page,
    server: { readonly url: string; close(): Promise<void> },
    screenshots: string | undefined,
  ) {
    this.#browser = browser;
    this.context = context;
    this.page = page;
    this.url = server.url;
    this.#close = () => server.close();
    this.#screenshots = screenshots;
    const { origin } = new URL(server.url);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => this.#complaints.push(message));
    page.on('dialog', (dialog) => void dialog.accept());
    context.on('request', (request) => {
      const url = request.url();
      this.#requested.push(url);
      if (!url.startsWith(origin) && !url.startsWith(`blob:${origin}`))
        this.#complaints.push(`a request to ${url}`);
      if (request.method() !== 'GET') this.#complaints.push(`a ${request.method()} request to ${url}`);
    });
  }

  static async open({
    screenshots,
    isolated = true,
    base = '/',
    serviceWorkers = 'allow',
    webgpu = false,
  }: StudioOptions = {}): Promise<StudioPage> {
    const server = await serveStudio(studioFolder(), 0, { isolated, base });
    const camera = ['--use-fake-device-for-media-stream=device-count=2', '--use-fake-ui-for-media-stream'];
    const browser = await launch(camera, webgpu);
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      acceptDownloads: true,
      reducedMotion: 'reduce',
      serviceWorkers,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    if (screenshots !== undefined) mkdirSync(screenshots, { recursive: true });
    const studio = new StudioPage(browser, context, page, server, screenshots);
    await page.goto(server.url);
    return studio;
  }

  /** Looks at what is shown: with axe, in light and dark, at the width of a phone and of a desk. */
  async look(name: string): Promise<void> {
    const number = String(++this.#shots).padStart(2, '0');
    for (const { name: view, width, height } of views) {
      await this.page.setViewportSize({ width, height });
      for (const colorScheme of schemes) {
        await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await this.page.evaluate(
          () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 150))),
        );
        await this.#check(`${name}, ${view}, ${colorScheme}`);
        if (this.#screenshots === undefined) continue;
        await this.#showAll();
        const file = join(this.#screenshots, `${number}-${name}-${view}-${colorScheme}.png`);
        await this.page.screenshot({ path: file, fullPage: true });
      }
    }
    await this.page.setViewportSize({ width: 1280, height: 900 });
    await this.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  }

  /** Brings every part into view once: pictures are fetched when they are seen. */
  async #showAll(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight) {
        scrollTo(0, top);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      scrollTo(0, 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
  }

  async #check(what: string): Promise<void> {
    await this.page.evaluate(axeSource);
    const findings = await this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeFinding[] }> } };
      const { violations } = await axe.run();
      return violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        nodes: nodes.slice(0, 3).map(({ html }) => ({ html })),
      }));
    });
    const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious, [], `axe on ${what}`);
    const wide = await this.page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll('dialog[open]')].map(
        ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth,
      ),
    );
    assert.ok(
      wide.every((pixels) => pixels <= 0),
      `${what}: the page, or its dialog, is ${wide.join(' and ')} pixels wider than its place`,
    );
  }

  /** Goes to a control with the keyboard alone, and presses Enter. */
  async byKeyboard(name: string): Promise<void> {
    for (let presses = 0; presses < MOST_TABS; presses++) {
      await this.page.keyboard.press('Tab');
      const text = await this.page.evaluate(() => (document.activeElement?.textContent ?? '').trim());
      if (text === name) {
        await this.page.keyboard.press('Enter');
        return;
      }
    }
    assert.fail(`the keyboard does not come to "${name}"`);
  }

  /** Drops files and folders on the page, as from the system's own file manager. */
  async drop(files: readonly string[]): Promise<void> {
    const session = await this.context.newCDPSession(this.page);
    const data = { items: [], files: [...files], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    await session.detach();
  }

  goTo(step: string): Promise<void> {
    return this.page.click(`.steps a:has-text("${step}")`);
  }

  button(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  /** The steps that the run has made. */
  async steps(): Promise<number> {
    const text = (await this.page.textContent('.controls')) ?? '';
    return Number(/Step (\d+)/.exec(text)?.[1] ?? NaN);
  }

  async reachStep(step: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) =>
        Number(/Step (\d+)/.exec(document.querySelector('.controls')?.textContent ?? '')?.[1]) >= wanted,
      step,
      { timeout: PATIENCE },
    );
  }

  async pause(): Promise<void> {
    await this.button('Pause');
    await this.page.waitForSelector('.controls:has-text("paused")');
  }

  async finish(): Promise<void> {
    await this.page.waitForSelector('.controls:has-text("finished")', { timeout: PATIENCE });
  }

  /** What the button of that name saves. */
  async saved(name: string): Promise<Buffer<ArrayBuffer>> {
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.button(name)]);
    return readFileSync(await download.path());
  }

  /** Takes the run away, and unpacks it. @returns its folder */
  async takeRun(folder: string): Promise<string> {
    await this.goTo('Take away');
    let run = folder;
    for (const entry of await zipEntries(new Blob([await this.saved('Save the run')]))) {
      const file = join(folder, entry.path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, await entry.read());
      if (entry.path.endsWith('/last.safetensors')) run = dirname(file);
    }
    return run;
  }

  /** What the page has asked for so far. */
  get requested(): readonly string[] {
    return this.#requested;
  }

  /** What the browser has complained of so far: nothing, that is. */
  assertQuiet(): void {
    assert.deepEqual(this.#complaints, []);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#close();
  }
}

/** Milliseconds that training may take: machines are slow at times. */
export const PATIENCE = 30 * 60_000;
/** And anything else. */
const SOON = 180_000;
const MOST_TABS = 80;
