/**
 * Serves the Studio's page to this machine alone, isolated from other origins, as threads on WebAssembly need it, and with
 * the page's security policy as a header: workers have theirs of the answer that their script came in, not of the page.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './errors.js';
import { policyIn } from './studio-policy.js';

/** What browsers are told of the kinds of files that the page is made of. */
const types: Readonly<Partial<Record<string, string>>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  // What was updated is there at the next load.
  'Cache-Control': 'no-cache',
};

/**
 * Where the page is: in a checkout beside the compiled command, in an installation beside the command's own script.
 *
 * @throws UsageError where it is in neither place
 */
export function studioFolder(): string {
  const script = process.argv[1] as string | undefined;
  const places = [
    fileURLToPath(new URL('../studio/page', import.meta.url)),
    ...(script !== undefined && existsSync(script) ? [join(dirname(realpathSync(script)), 'studio')] : []),
  ];
  const found = places.find((place) => existsSync(join(place, 'index.html')));
  if (found !== undefined) return found;
  throw new UsageError(
    'the page of the Studio is not here; in a checkout "npm run build" makes it, and the package tract-ts-cli brings it',
  );
}

export interface StudioServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param isolated without the headers of isolation and the policy where false, as most static hosts are
 * @param base the path that the page lies under
 * @throws UsageError for a port that is taken
 */
export async function serveStudio(
  folder: string,
  port: number,
  { isolated = true, base = '/' }: { readonly isolated?: boolean; readonly base?: string } = {},
): Promise<StudioServer> {
  // No other file is ever read.
  const files = new Set(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const policy = policyIn(readFileSync(join(folder, 'index.html'), 'utf8'));
  const sent = isolated
    ? { ...headers, ...(policy !== undefined && { 'Content-Security-Policy': policy }) }
    : {};
  const server = createServer((request, response) => {
    void (async () => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const within = pathname.startsWith(base) ? decodeURIComponent(pathname.slice(base.length)) : undefined;
      const file = join(folder, within === '' ? 'index.html' : (within ?? ''));
      if (within === undefined || !files.has(file) || !['GET', 'HEAD'].includes(request.method ?? '')) {
        response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is nothing here.\n');
        return;
      }
      response.writeHead(200, {
        ...sent,
        'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      });
      response.end(request.method === 'HEAD' ? undefined : await readFile(file));
    })().catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'EADDRINUSE'
        ? `port ${port} is taken, perhaps by another Studio; close that, or give another --port`
        : `port ${port} cannot be used (${code ?? String(error)}); give another --port`,
    );
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
