/**
 * `npm run page`: the page of examples/vite as its reader has it: installed from the packed package and the npm registry,
 * built by Vite, and opened in a browser, where it trains on a folder of pictures. Prints what the page has downloaded.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { shapes } from '../../data/shapes.js';
import { launch, noBrowser } from '../browser.js';
import { root, shell } from '../package.js';
import { writeClassFolders } from '../picture-files.js';

/** Of the three classes that the page is given; guessing reaches a third. */
const PICTURES = 450;
const WANTED_ACCURACY = 75;
const TIMEOUT = 10 * 60_000;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

const fail = (message: string): never => {
  throw new Error(`page: ${message}`);
};

const missing = noBrowser();
if (missing !== false) {
  console.log(`page: not tried: ${missing}`);
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'tract-page-'));
try {
  const page = join(folder, 'page');
  cpSync(join(root, 'examples', 'vite'), page, {
    recursive: true,
    filter: (path) => !/[\\/](node_modules|dist)([\\/]|$)/.test(path.slice(root.length)),
  });
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(shell(root, 'npm', ...packing)) as [{ filename: string }];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  shell(page, 'npm', 'install', ...quiet, join(folder, filename));
  const built = shell(page, 'npm', 'run', 'build');
  // What Vite says of a module that browsers lack.
  if (built.includes('externalized')) fail(`something of Node reaches the page:\n${built}`);

  const pictures = join(folder, 'pictures');
  await writePictures(pictures);
  const { lines, answer } = await visit(join(page, 'dist'), pictures);
  console.log(`the page says: ${answer}`);
  console.log(lines.join('\n'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Three classes of the embedded images. */
async function writePictures(target: string): Promise<void> {
  const { train, imageShape, classNames } = shapes({ train: 10 * PICTURES, test: 1 });
  const size = imageShape.reduce((product, length) => product * length, 1);
  const chosen = Array.from(train.labels)
    .flatMap((label, i) => (label < 3 ? [i] : []))
    .slice(0, PICTURES);
  const images = new Uint8Array(chosen.length * size);
  chosen.forEach((from, to) => {
    images.set(train.images.subarray(from * size, (from + 1) * size), to * size);
  });
  const labels = chosen.map((i) => train.labels[i]);
  await writeClassFolders(target, { images, labels }, imageShape, classNames);
}

/** Opens the built page and lets it train; gives what it says in the end, and what it has downloaded. */
async function visit(site: string, pictures: string): Promise<{ lines: string[]; answer: string }> {
  const downloaded = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const path = pathname === '/' ? '/index.html' : pathname;
    try {
      const body = readFileSync(join(site, path));
      downloaded.set(path, body);
      response
        .writeHead(200, {
          'Content-Type': types[extname(path)],
          'Cross-Origin-Opener-Policy': 'same-origin',
          'Cross-Origin-Embedder-Policy': 'require-corp',
        })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    tab.on('pageerror', (error) => complaints.push(error.message));
    tab.on('request', (request) => {
      if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url()))
        complaints.push(`a request to another place: ${request.url()}`);
    });
    await tab.goto(url);
    await tab.locator('input:enabled').setInputFiles(pictures);
    const output = tab.locator('output');
    await output.filter({ hasText: /accuracy|rror/ }).waitFor({ timeout: TIMEOUT });
    const answer = await output.innerText();
    if (complaints.length > 0) fail(`the browser complains: ${complaints.join('\n')}`);
    const accuracy = Number(/([\d.]+) %/.exec(answer)?.[1] ?? fail(answer));
    if (accuracy < WANTED_ACCURACY) fail(`it has learned too little: ${answer}`);
    const wasm = [...downloaded.keys()].filter((path) => path.endsWith('.wasm'));
    if (wasm.length !== 1 || wasm[0].includes('jsep'))
      fail(`it was to load the WebAssembly for the CPU alone, not ${wasm.join(', ')}`);
    return { answer, lines: downloadLines(downloaded) };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

function downloadLines(downloaded: ReadonlyMap<string, Buffer>): string[] {
  const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`.padStart(12);
  const rows = [...downloaded].map(([path, body]) => ({
    path,
    plain: body.length,
    gzip: gzipSync(body, { level: 9 }).length,
  }));
  const sum = (key: 'plain' | 'gzip'): number => rows.reduce((total, row) => total + row[key], 0);
  const all = { path: 'all', plain: sum('plain'), gzip: sum('gzip') };
  return [
    `${'what it has downloaded'.padEnd(46)}${'plain'.padStart(12)}${'gzip'.padStart(12)}`,
    ...[...rows, all].map(
      ({ path, plain, gzip }) => `  ${path.padEnd(44)}${kilobytes(plain)}${kilobytes(gzip)}`,
    ),
  ];
}
