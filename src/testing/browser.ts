/** A browser without a window. */
import process from 'node:process';
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from './chromium.js';

/** Why tests in a browser are skipped; false where there is one. */
export function noBrowser(): string | false {
  return findChromium() === undefined && 'there is no Chromium, Chrome or Edge here; set CHROME_PATH to one';
}

/**
 * @param more flags of Chromium's
 * @param webgpu whether it has WebGPU, on the CPU. Default true
 */
export function launch(more: readonly string[] = [], webgpu = true): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [
      ...more,
      '--headless',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // WebGPU on the CPU, so that it is there whatever the machine has.
      ...(webgpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] : []),
      // Chromium's sandbox refuses to start as root, which is who tests run as in many containers.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ...more,
    ],
  });
}
