import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, type Page, chromium } from 'playwright-core';
import { vit } from '../models/vit.js';
import { sgd } from '../optim/sgd.js';
import { findChromium } from '../testing/chromium.js';
import { halves } from '../testing/halves.js';
import { type CompareResult, compare } from './compare.js';
import { variantsOf } from './variant.js';

const executablePath = findChromium();

/** Every text of a chart, as it is drawn on a desk. */
const textsOf = (page: Page, id: string): Promise<string[]> =>
  page.locator(`#${id} text:visible`).allTextContents();

describe('the report in a browser', { skip: executablePath ? false : 'there is no Chromium here' }, () => {
  let out: string;
  let found: CompareResult;
  let browser: Browser;

  before(async () => {
    out = await mkdtemp(join(tmpdir(), 'tract-report-'));
    const result = await compare(
      {
        dataset: halves({ train: 64, test: 30 }),
        model: vit({ width: 12, depth: 1, heads: 1, patch: 8, classes: 2 }),
        variants: variantsOf(['vanilla', 'tract', 'dual-patch-norm'], [0.1]),
        seeds: [0, 1],
        training: { optimizer: sgd({ learningRate: 0.2 }), batchSize: 16, threads: 1 },
        epochs: 2,
        evaluateEvery: 2,
      },
      { out },
    );
    assert.ok(result);
    found = result;
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  after(async () => {
    await browser.close();
    await rm(out, { recursive: true });
  });

  async function open(
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<{ page: Page; requests: string[]; errors: string[] }> {
    const page = await browser.newPage(options);
    const requests: string[] = [];
    const errors: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => errors.push(message.text()));
    await page.goto(pathToFileURL(found.report).href);
    return { page, requests, errors };
  }

  it('is one file that asks for nothing else', async () => {
    const { requests, errors } = await open();
    const outside = requests.filter((url) => !url.startsWith('data:'));
    assert.deepEqual(outside, [pathToFileURL(found.report).href]);
    assert.deepEqual(errors, []);
  });

  it('draws a line and a band for each method, and a point for each evaluation', async () => {
    const { page } = await open();
    for (const id of ['accuracy', 'loss']) {
      const count = (selector: string): Promise<number> => page.locator(`#${id} .wide ${selector}`).count();
      assert.equal(await count('.mark-line path'), 3, id);
      assert.equal(await count('.mark-area path'), 3, id);
      // Steps 0, 2, 4, 6, 8 of each method.
      assert.equal(await count('path[aria-roledescription=point]'), 15, id);
      const texts = await textsOf(page, id);
      assert.ok(texts.includes('training steps'), id);
      assert.ok(texts.includes(id === 'accuracy' ? 'test accuracy' : 'test loss (cross entropy)'));
      for (const label of ['vanilla', 'TrAct', 'DualPatchNorm']) assert.ok(texts.includes(label), label);
    }
  });

  it('draws a bar for each method and target', async () => {
    const { page } = await open();
    const { targets } = found.results;
    assert.ok(targets.length > 0);
    assert.equal(
      await page.locator('#steps-to-target .wide .mark-rect path[aria-roledescription=bar]').count(),
      3 * targets.length,
    );
    assert.ok((await textsOf(page, 'steps-to-target')).includes('training steps needed (fewer is faster)'));
  });

  it('draws a point for each image, and says how they correlate', async () => {
    const { page } = await open();
    for (const method of ['vanilla', 'tract']) {
      for (const statistic of ['contrast', 'brightness']) {
        const id = `update-${statistic}-${method}`;
        assert.equal(await page.locator(`#${id} path[aria-roledescription=circle]`).count(), 64, id);
        const texts = (await textsOf(page, id)).join(' ');
        assert.match(texts, new RegExp(`${statistic} \\(`));
        assert.match(texts, /correlation −?\d\.\d\d.*with /);
      }
    }
    assert.equal(found.results.updates!.images, 64);
  });

  it('shows the filters of every method', async () => {
    const { page } = await open();
    const sizes = await page
      .locator('.filters img')
      .evaluateAll((images) => (images as HTMLImageElement[]).map(({ naturalWidth }) => naturalWidth));
    // Twelve filters of 8 pixels, five in a row, with gaps.
    assert.deepEqual(sizes, [44, 44, 44]);
  });

  it('begins with the answer, and has the figures in a table', async () => {
    const { page } = await open();
    const answer = await page.locator('.answer').textContent();
    assert.equal(answer?.replaceAll('\u00a0', ' '), found.results.sentences[0]);
    assert.equal(await page.locator('tbody tr').count(), 3);
    assert.equal(await page.locator('h2').count(), 6);
  });

  for (const width of [320, 390, 820, 1280]) {
    it(`is read without scrolling sideways or a magnifying glass at ${width} pixels`, async () => {
      const { page } = await open({ viewport: { width, height: 844 } });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
      const shown = await page.locator('figure').evaluateAll((figures) =>
        figures.flatMap((figure) =>
          [...figure.querySelectorAll('svg')]
            .filter((svg) => svg.getBoundingClientRect().width > 0)
            .map((svg) => ({
              figure: figure.id,
              sizes: [...svg.querySelectorAll('text')]
                .filter((text) => text.textContent !== '')
                .map((text) => {
                  // Titles of axes are turned.
                  const { a, b } = text.getScreenCTM()!;
                  return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b);
                }),
            })),
        ),
      );
      // Each chart once, in one of its widths.
      assert.deepEqual(
        shown.map(({ figure }) => figure),
        [
          'accuracy',
          'loss',
          'steps-to-target',
          ...['contrast', 'brightness'].flatMap((statistic) => [
            `update-${statistic}-vanilla`,
            `update-${statistic}-tract`,
          ]),
        ],
      );
      const least = Math.min(...shown.flatMap(({ sizes }) => sizes));
      // On the narrowest phones a little less.
      assert.ok(least >= (width < 360 ? 10.5 : 11.9), `letters of ${least} pixels`);
    });
  }

  it('follows dark mode, charts included', async () => {
    const colours = async (colorScheme: 'light' | 'dark'): Promise<string[]> => {
      const { page } = await open({ colorScheme });
      const style = (selector: string, property: string): Promise<string> =>
        page
          .locator(selector)
          .first()
          .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);
      return [
        await style('body', 'background-color'),
        await style('#accuracy .wide .role-axis-title text', 'fill'),
        await style('#accuracy .wide .mark-line path', 'stroke'),
      ];
    };
    const [light, dark] = [await colours('light'), await colours('dark')];
    assert.deepEqual(light.slice(0, 2), ['rgb(255, 255, 255)', 'rgb(27, 31, 36)']);
    assert.deepEqual(dark.slice(0, 2), ['rgb(21, 24, 28)', 'rgb(233, 236, 239)']);
    assert.notEqual(dark[2], light[2]);
  });

  it('has its plots as files that stand alone', async () => {
    assert.equal(found.plots.length, 3 + 4 + 3);
    for (const plot of found.plots) {
      const svg = await readFile(plot, 'utf8');
      assert.match(svg, /<svg [^>]*viewBox=/, plot);
      assert.doesNotMatch(svg.replaceAll(/xmlns(:xlink)?="[^"]*"/g, ''), /https?:/, plot);
    }
    const page = await browser.newPage({ colorScheme: 'dark' });
    await page.goto(pathToFileURL(found.plots[0]).href);
    const fill = await page
      .locator('.role-axis-title text')
      .first()
      .evaluate((element) => getComputedStyle(element).fill);
    assert.equal(fill, 'rgb(233, 236, 239)');
  });
});
