/** The process that measures a library in a browser of its own: `node process.js '{"library": "tract-ts", …}'` */
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { launch } from '../../testing/browser.js';
import { bundle, serve } from '../../testing/web-page.js';
import type { Turn } from '../protocol.js';
import { serveTurns } from '../serve.js';
import type { PageLibrary, PageRequest } from './page-request.js';

const compiled = fileURLToPath(new URL('../..', import.meta.url));
const peers = fileURLToPath(new URL('../../../bench/peers/', import.meta.url));

/** Where the function `start` of a library is. */
const modules: Readonly<Record<PageLibrary, { readonly folder: string; readonly start: string }>> = {
  'tract-ts': { folder: compiled, start: "import { start } from './bench/browser/own-page.js';" },
  'TensorFlow.js': {
    folder: peers,
    start:
      "import { start as peer } from './tfjs-page.mjs'; const start = (r) => peer(r.description, r.backend, r.threads);",
  },
  'jax-js': {
    folder: peers,
    start:
      "import { start as peer } from './jax-js-page.mjs'; const start = (r) => peer(r.description, r.backend);",
  },
};

/** What the page does with `start`; the clock is that of `times.ts`. */
const page = (start: string): string => `
  ${start}
  import { timesOf } from ${JSON.stringify(`${compiled}bench/times.js`)};
  let step;
  globalThis.begin = async (request) => {
    step = await start(request);
    const [first] = await timesOf({ warmUp: 0, steps: 1 }, step);
    return first;
  };
  globalThis.turn = (turn) => timesOf(turn, step);`;

interface Page {
  begin(request: PageRequest): Promise<number>;
  turn(turn: Turn): Promise<number[]>;
}

const request = JSON.parse(process.argv[2]) as PageRequest;
const { folder, start } = modules[request.library];
const tfjs = `${peers}node_modules/@tensorflow/tfjs-backend-wasm/dist/`;
const files =
  request.library === 'TensorFlow.js' ? readdirSync(tfjs).filter((name) => name.endsWith('.wasm')) : [];
const site = await serve(
  (await bundle(page(start), folder)).code,
  Object.fromEntries(files.map((name) => [`/${name}`, readFileSync(`${tfjs}${name}`)])),
);
// WebGL on the CPU, so that it is there whatever the machine has.
const browser = await launch(
  request.backend === 'webgl' ? ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'] : [],
);
try {
  const tab = await browser.newPage();
  await tab.goto(site.url);
  const firstStepMilliseconds = await tab.evaluate(
    (asked) => (globalThis as unknown as Page).begin(asked),
    request,
  );
  await serveTurns({ firstStepMilliseconds }, (turn) =>
    tab.evaluate((asked) => (globalThis as unknown as Page).turn(asked), turn),
  );
} catch (error) {
  // What the page threw, without where in the page's code.
  console.error(
    String(error)
      .split('\n')[0]
      .replace(/^(\w+: )?page\.evaluate: /, ''),
  );
  process.exitCode = 1;
} finally {
  await browser.close();
  await site.close();
}
