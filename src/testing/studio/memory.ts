/**
 * What a tab's memory does when 30,000 pictures are dropped on the Studio: `npm run studio:memory`. The heap of its JavaScript
 * and the resident set of its renderer, before, during and after, and while it trains.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { shapes } from '../../data/shapes.js';
import { noBrowser } from '../browser.js';
import { writeClassFolders } from '../picture-files.js';
import { PATIENCE, StudioPage } from './studio-page.js';

const { values } = parseArgs({ options: { pictures: { type: 'string', default: '30000' } } });
const wanted = Number(values.pictures);

/** Megabytes of the largest renderer of this process's browser. */
function rendererMegabytes(): number {
  const list = execFileSync('ps', ['-eo', 'pid,ppid,rss,args'], { encoding: 'utf8' }).split('\n');
  const rows = list.flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return found
      ? [{ pid: Number(found[1]), parent: Number(found[2]), rss: Number(found[3]), args: found[4] }]
      : [];
  });
  const own = new Set([process.pid]);
  for (let before = 0; before !== own.size;) {
    before = own.size;
    for (const { pid, parent } of rows) if (own.has(parent)) own.add(pid);
  }
  const renderers = rows.filter(({ pid, args }) => own.has(pid) && args.includes('--type=renderer'));
  return Math.max(0, ...renderers.map(({ rss }) => rss)) / 1024;
}

const reason = noBrowser();
if (reason !== false) console.log(`studio:memory is skipped: ${reason}`);
else {
  const folder = mkdtempSync(join(tmpdir(), 'tract-memory-'));
  try {
    await measure(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(folder: string): Promise<void> {
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  // Drawn in pieces, each from a seed of its own.
  for (let made = 0, seed = 1; made < wanted; seed++) {
    const count = Math.min(5000, wanted - made);
    const { train, imageShape, classNames } = shapes({ train: count, test: 10, seed });
    await writeClassFolders(join(folder, 'piece'), train, imageShape, classNames);
    for (const name of classNames) {
      mkdirSync(join(pictures, name), { recursive: true });
      for (const file of readdirSync(join(folder, 'piece', name)))
        renameSync(join(folder, 'piece', name, file), join(pictures, name, `${seed}-${file}`));
    }
    rmSync(join(folder, 'piece'), { recursive: true });
    made += count;
  }
  const studio = await StudioPage.open();
  const { page } = studio;
  try {
    page.setDefaultTimeout(PATIENCE);
    await page.waitForSelector('h1');
    const session = await studio.context.newCDPSession(page);
    const report = async (when: string): Promise<void> => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
      console.log(
        `${when.padEnd(36)} heap ${megabytes(usedSize)}, renderer ${rendererMegabytes().toFixed(0)} MB`,
      );
    };
    await report('before');
    await studio.drop([pictures]);
    for (const share of [0.25, 0.5, 0.75]) {
      await page.waitForFunction((least) => {
        const text = document.querySelector('.working')?.textContent ?? '';
        const done = Number((/: ([\d,]+) of/.exec(text)?.[1] ?? '0').replaceAll(',', ''));
        return done >= least || (document.querySelector('.split') !== null && text === '');
      }, share * wanted);
      await report(`${Math.round(100 * share)} % looked at`);
    }
    await page.waitForFunction(() => document.querySelector('.working') === null);
    await report(`${wanted.toLocaleString('en')} pictures there`);
    await studio.goTo('Model');
    await page.check('label.card:has-text("MLP") input');
    await page.check('label.card:has(b:text-is("TrAct")) input');
    await studio.goTo('Train');
    await page.getByRole('button', { name: 'Start training', exact: true }).click();
    await page.waitForSelector('.controls');
    await page.waitForFunction(
      () => Number(/Step (\d+)/.exec(document.querySelector('.controls')?.textContent ?? '')?.[1]) >= 20,
    );
    await report('training, step 20');
    await page.waitForFunction(
      () => Number(/Step (\d+)/.exec(document.querySelector('.controls')?.textContent ?? '')?.[1]) >= 120,
    );
    await report('training, step 120');
    studio.assertQuiet();
  } finally {
    await studio.close();
  }
}
