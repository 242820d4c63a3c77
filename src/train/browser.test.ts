import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Device } from '../engine/device.js';
import { type FiveSteps, fiveSteps } from '../testing/five-steps.js';
import { launchChromium, skip } from '../testing/launch-chromium.js';
import { bundle, serve } from '../testing/web-page.js';

const source = "import { fiveSteps } from './testing/five-steps.js'; globalThis.fiveSteps = fiveSteps;";

/** The same five steps in a page. */
async function fiveStepsInBrowser(device: Device): Promise<FiveSteps | 'no adapter'> {
  const page = await serve((await bundle(source)).code);
  const browser = await launchChromium();
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
