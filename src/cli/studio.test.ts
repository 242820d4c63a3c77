import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../testing/command.js';
import { UsageError } from './errors.js';
import { serveStudio } from './studio-server.js';

const folder = join(temporaryFolder(), 'page');
mkdirSync(join(folder, 'assets'), { recursive: true });
const html = `<!doctype html><meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; connect-src 'self'" />`;
writeFileSync(join(folder, 'index.html'), html);
writeFileSync(join(folder, 'assets', 'a b.wasm'), 'wasm');
writeFileSync(join(folder, '..', 'secret.txt'), 'not for pages');

describe('the server of the Studio', () => {
  it('gives out the files of the page with the headers of isolation and the policy, and no others', async () => {
    const server = await serveStudio(folder, 0);
    try {
      const page = await fetch(server.url);
      assert.equal(await page.text(), html);
      assert.equal(page.headers.get('cross-origin-opener-policy'), 'same-origin');
      assert.equal(page.headers.get('cross-origin-embedder-policy'), 'require-corp');
      const wasm = await fetch(`${server.url}assets/a%20b.wasm`);
      assert.equal(wasm.headers.get('content-type'), 'application/wasm');
      // Scripts of workers are among them.
      for (const { headers } of [page, wasm])
        assert.equal(headers.get('content-security-policy'), "default-src 'none'; connect-src 'self'");
      for (const path of ['..%2fsecret.txt', '%2e%2e/secret.txt', 'assets', 'assets/', 'other', '%'])
        assert.notEqual((await fetch(server.url + path).catch(() => ({ status: 0 }))).status, 200, path);
      assert.equal((await fetch(server.url, { method: 'POST' })).status, 404);
    } finally {
      await server.close();
    }
  });

  it('as a host that sends no headers, below a path', async () => {
    const server = await serveStudio(folder, 0, { isolated: false, base: '/some/where/' });
    try {
      const page = await fetch(server.url);
      assert.equal(page.status, 200);
      assert.equal(page.headers.get('cross-origin-embedder-policy'), null);
      assert.equal(page.headers.get('content-security-policy'), null);
      assert.equal((await fetch(new URL('/', server.url))).status, 404);
    } finally {
      await server.close();
    }
  });

  it('says what to do where the port is taken', async () => {
    const server = await serveStudio(folder, 0);
    try {
      const port = Number(new URL(server.url).port);
      await assert.rejects(serveStudio(folder, port), (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(
          error.message,
          /is taken, perhaps by another Studio; close that, or give another --port/,
        );
        return true;
      });
    } finally {
      await server.close();
    }
  });
});
