/** The engines that are compared, each behind the same two questions. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import type { Device } from '../../engine/device.js';
import type { Tensors } from '../../engine/session.js';
import { fromSafetensors } from '../../tensor/safetensors.js';
import { launch } from '../browser.js';
import { type WebPage, bundle, serve } from '../web-page.js';
import { type GradientOutcome, type GradientRun, runGradients } from './gradient-run.js';
import type { EnginePage } from './page.js';
import { type TrainingRequest, trainSteps } from './training.js';

export interface Steps {
  readonly losses: readonly number[];
  readonly gradients: Tensors;
  readonly weights: Tensors;
  readonly location: string;
}

export interface Engine {
  /** As the table's heading has it. */
  readonly title: string;
  readonly device: Device;
  /** ONNX Runtime's name. */
  readonly provider: string;
  readonly threads: number;
  train(request: Pick<TrainingRequest, 'model' | 'batchSize' | 'steps'>): Promise<Steps>;
  gradients(runs: readonly GradientRun[]): Promise<GradientOutcome[]>;
}

const tensorsOf = (bytes: Uint8Array): Tensors => fromSafetensors(bytes).tensors;

export function nativeEngine(threads: number): Engine {
  return {
    title: 'native',
    device: 'cpu',
    provider: 'cpu',
    threads,
    async train(request) {
      const steps = await trainSteps({ ...request, device: 'cpu', threads });
      return { ...steps, gradients: tensorsOf(steps.gradients), weights: tensorsOf(steps.weights) };
    },
    async gradients(runs) {
      const outcomes: GradientOutcome[] = [];
      for (const run of runs) outcomes.push(await runGradients(run, 'cpu'));
      return outcomes;
    },
  };
}

/** Engines in a browser; every question is answered by a page of its own. */
export class BrowserEngines {
  readonly #browser: Browser;
  readonly #page: WebPage;
  /** What the browser says of the GPU behind its WebGPU; undefined where there is none. */
  readonly adapter: string | undefined;
  readonly version: string;
  /** Milliseconds for one answer. */
  readonly #timeout: number;

  private constructor(browser: Browser, page: WebPage, adapter: string | undefined, timeout: number) {
    this.#browser = browser;
    this.#page = page;
    this.adapter = adapter;
    this.version = browser.version();
    this.#timeout = timeout;
  }

  /** @param timeout for one answer, in milliseconds */
  static async open(timeout: number): Promise<BrowserEngines> {
    const page = await serve(
      (await bundle("import { page } from './testing/engines/page.js'; globalThis.page = page;")).code,
    );
    const browser = await launch();
    const adapter = await inPage(browser, page, timeout, (tab) =>
      tab.evaluate(() => (globalThis as unknown as { page: EnginePage }).page.adapter()),
    );
    return new BrowserEngines(browser, page, adapter, timeout);
  }

  engine(title: string, device: 'cpu' | 'webgpu', threads: number): Engine {
    const provider = device === 'cpu' ? 'wasm' : device;
    return {
      title,
      device,
      provider,
      threads,
      train: async (request) => {
        const steps = await inPage(this.#browser, this.#page, this.#timeout, (tab) =>
          tab.evaluate((asked) => (globalThis as unknown as { page: EnginePage }).page.train(asked), {
            ...request,
            device,
            threads,
          }),
        );
        const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
        return {
          losses: steps.losses,
          location: steps.location,
          gradients: tensorsOf(bytes(steps.gradients)),
          weights: tensorsOf(bytes(steps.weights)),
        };
      },
      gradients: (runs) =>
        inPage(this.#browser, this.#page, this.#timeout, (tab) =>
          tab.evaluate(
            ([asked, chosen]) =>
              (globalThis as unknown as { page: EnginePage }).page.gradients(asked, chosen),
            [
              runs.map(({ bytes, feeds }) => ({ bytes: Buffer.from(bytes).toString('base64'), feeds })),
              provider,
            ] as const,
          ),
        ),
    };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#page.close();
  }
}

type Tab = Awaited<ReturnType<Browser['newPage']>>;

async function inPage<T>(
  browser: Browser,
  { url }: WebPage,
  timeout: number,
  action: (tab: Tab) => Promise<T>,
): Promise<T> {
  const tab = await browser.newPage();
  const waiting = new AbortController();
  try {
    await tab.goto(url);
    return await Promise.race([
      action(tab),
      sleep(timeout, undefined, { signal: waiting.signal }).then(() => {
        throw new Error(`no answer within ${timeout / 60_000} minutes`);
      }),
    ]);
  } finally {
    waiting.abort();
    await tab.close();
  }
}
