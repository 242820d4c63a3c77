/** A page on 127.0.0.1 that runs compiled modules of this project in a browser, as a bundler delivers them. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const compiled = fileURLToPath(new URL('..', import.meta.url));
const runtime = new URL('.', import.meta.resolve('onnxruntime-web'));

export interface Bundle {
  /** An ES module. */
  readonly code: string;
  /** The files that went into it. */
  readonly modules: readonly string[];
  /** What it still imports when it runs. */
  readonly imports: readonly string[];
}

/**
 * Bundles a module that imports from `dist/` for browsers: `#onnxruntime` becomes onnxruntime-web by package.json's
 * own conditions.
 *
 * @param source JavaScript that imports from `./`
 * @param folder what `./` is; default the folder of compiled files
 * @throws when a module that browsers lack (`node:fs`, say) is reached
 */
export async function bundle(source: string, folder = compiled): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: folder, sourcefile: 'page.js' },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2023',
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  return {
    code: outputFiles[0].text,
    modules: Object.keys(metafile.inputs),
    imports: output.imports.map(({ path }) => path),
  };
}

export interface WebPage {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a page that loads the given script as a module.
 *
 * The page is cross-origin isolated, which threads on WebAssembly need. ONNX Runtime asks for its WebAssembly beside
 * the script that it is bundled into, so that is where it is served.
 *
 * @param files what else the page asks for, by its path, such as `/step.onnx`
 */
export async function serve(
  script: string,
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<WebPage> {
  const other = Object.entries(files).map(([path, body]) => {
    return [path, { type: 'application/octet-stream', body }] as const;
  });
  const pages = new Map<string, { readonly type: string; readonly body: string | Uint8Array }>([
    ...other,
    [
      '/',
      {
        type: 'text/html',
        body: '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      },
    ],
    ['/page.js', { type: 'text/javascript', body: script }],
  ]);
  const server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url!, 'http://localhost').pathname;
      const isolation = {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      };
      const page = pages.get(path);
      const file = /^\/(ort-[\w.-]+\.(wasm|mjs))$/.exec(path);
      if (page) {
        response.writeHead(200, { ...isolation, 'Content-Type': page.type }).end(page.body);
      } else if (file) {
        const type = file[2] === 'wasm' ? 'application/wasm' : 'text/javascript';
        response
          .writeHead(200, { ...isolation, 'Content-Type': type })
          .end(await readFile(new URL(file[1], runtime)));
      } else {
        response.writeHead(404, isolation).end();
      }
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
