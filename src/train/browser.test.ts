import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, it } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import type { Device } from '../engine/device.js';
import { findChromium } from '../testing/chromium.js';
import { type FiveSteps, fiveSteps } from '../testing/five-steps.js';
import { bundle, serve } from '../testing/web-page.js';

const executable = findChromium();
const skip = executable === undefined && 'there is no Chromium, Chrome or Edge here; set CHROME_PATH to one';

const source = "import { fiveSteps } from './testing/five-steps.js'; globalThis.fiveSteps = fiveSteps;";

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable,
    args: [
      '--headless',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // WebGPU on the CPU, so that it is there whatever the machine has.
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      // Chromium's sandbox refuses to start as root, which is who tests run as in many containers.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
}

/** The same five steps in a page. */
async function fiveStepsInBrowser(device: Device): Promise<FiveSteps | 'no adapter'> {
  const page = await serve((await bundle(source)).code);
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    tab.on('pageerror', (error) => complaints.push(error.message));
    await tab.goto(page.url);
    if (device === 'webgpu' && !(await tab.evaluate(hasWebGpu))) return 'no adapter';
    assert.ok(await tab.evaluate(() => crossOriginIsolated), 'threads need a page that is isolated');
    const result = await tab.evaluate(
      (chosen) => (globalThis as unknown as { fiveSteps: typeof fiveSteps }).fiveSteps(chosen),
      device,
    );
    assert.deepEqual(complaints, []);
    return result;
  } finally {
    await browser.close();
    await page.close();
  }
}

async function hasWebGpu(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  return Boolean(await gpu?.requestAdapter());
}

function assertNear(web: FiveSteps, native: FiveSteps): void {
  assert.equal(native.losses.length, 5);
  assert.equal(web.losses.length, 5);
  native.losses.forEach((loss, step) => {
    // Written so that NaN fails.
    const near = Math.abs(loss - web.losses[step]) <= 1e-3;
    assert.ok(near, `the loss of step ${step + 1} is ${loss} in Node, ${web.losses[step]} in the browser`);
  });
  assert.ok(Math.abs(native.testLoss - web.testLoss) <= 1e-3, `${native.testLoss} and ${web.testLoss}`);
}

describe('in a browser', { timeout: 300_000 }, () => {
  it('the public entry bundles without anything of Node', async () => {
    const { modules, imports } = await bundle("export * from './index.js';");
    assert.deepEqual(imports, []);
    assert.ok(modules.some((path) => path.includes('/onnxruntime-web/')));
    assert.ok(!modules.some((path) => path.includes('/onnxruntime-node/')));
    await assert.rejects(bundle("export * from './data/worker-batches.js';"), /node:worker_threads/);
  });

  it("five steps of a small ViT with TrAct have Node's losses on wasm", { skip }, async () => {
    const web = await fiveStepsInBrowser('cpu');
    assert.ok(web !== 'no adapter');
    assertNear(web, await fiveSteps());
  });

  it('and on WebGPU', { skip }, async (t) => {
    const web = await fiveStepsInBrowser('webgpu');
    if (web === 'no adapter') t.skip('this browser has no WebGPU adapter');
    else assertNear(web, await fiveSteps());
  });
});
