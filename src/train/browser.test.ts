import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { Device } from '../engine/device.js';
import { launch, noBrowser } from '../testing/browser.js';
import { type FiveSteps, fiveSteps } from '../testing/five-steps.js';
import { bundle, serve } from '../testing/web-page.js';

const skip = noBrowser();

const source = `
  import { fiveSteps } from './testing/five-steps.js';
  import { chooseDevice, mlp, proveDevice, tract } from './index.js';
  Object.assign(globalThis, { fiveSteps, chooseDevice, mlp, proveDevice, tract });`;

/** Of WebGPU. */
interface Encoder {
  dispatchWorkgroups: (this: Encoder, ...size: number[]) => void;
}

type Entry = typeof import('../index.js') & { readonly fiveSteps: typeof fiveSteps };

/** Something done in a page of its own, in which WebGPU may be wanted; whatever the page complains of is an error. */
async function inPage<T>(webgpu: boolean, action: (tab: Page) => Promise<T>): Promise<T | 'no adapter'> {
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
    if (webgpu && !(await tab.evaluate(hasWebGpu))) return 'no adapter';
    assert.ok(await tab.evaluate(() => crossOriginIsolated), 'threads need a page that is isolated');
    const result = await action(tab);
    assert.deepEqual(complaints, []);
    return result;
  } finally {
    await browser.close();
    await page.close();
  }
}

/** The same five steps in a page. */
function fiveStepsIn(tab: Page, device: Device): Promise<FiveSteps> {
  return tab.evaluate((chosen) => (globalThis as unknown as Entry).fiveSteps(chosen), device);
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
    const web = await inPage(false, (tab) => fiveStepsIn(tab, 'cpu'));
    assert.ok(web !== 'no adapter');
    assertNear(web, await fiveSteps());
  });

  it('and on WebGPU, and one that computes something else is told from it', { skip }, async (t) => {
    const found = await inPage(true, async (tab) => {
      const web = await fiveStepsIn(tab, 'webgpu');
      const proofs = await tab.evaluate(async () => {
        const { chooseDevice, mlp, proveDevice, tract } = globalThis as unknown as Entry;
        const options = { model: tract(mlp({ width: 16, depth: 1, imageSize: 8 })), batchSize: 8, steps: 1 };
        const chosen = await chooseDevice(options);
        // From here on one kernel of each dozen does not run.
        const { prototype } = (globalThis as unknown as { GPUComputePassEncoder: { prototype: Encoder } })
          .GPUComputePassEncoder;
        const dispatch = prototype.dispatchWorkgroups;
        let count = 0;
        prototype.dispatchWorkgroups = function (...size) {
          if (++count % 12 !== 0) dispatch.apply(this, size);
        };
        return { chosen, sabotaged: await proveDevice('webgpu', options) };
      });
      return { web, ...proofs };
    });
    if (found === 'no adapter') {
      t.skip('this browser has no WebGPU adapter');
      return;
    }
    const { web, chosen, sabotaged } = found;
    assertNear(web, await fiveSteps());
    const [{ differences, milliseconds, proven, reason }] = chosen.proofs;
    assert.ok(differences!.gradients.difference < 1e-4 && differences!.updates.difference < 1e-3, reason);
    // SwiftShader is slower; but whichever is faster is used.
    assert.equal(proven, milliseconds!.device <= milliseconds!.cpu);
    assert.equal(chosen.device, proven ? 'webgpu' : 'cpu');
    assert.match(chosen.reasons.at(-1)!, /^WebAssembly runs on \d+ threads?$/);
    assert.equal(sabotaged.proven, false);
    assert.match(sabotaged.reason, /^WebGPU computes wrong numbers here: the (loss|gradient of|update of)/);
  });
});
