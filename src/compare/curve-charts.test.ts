import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type FinishedRun, conclude } from './conclude.js';
import { accuracyChart, lossChart, targetChart } from './curve-charts.js';
import { type Variant, variantsOf } from './variant.js';

const lambdas = Array.from({ length: 24 }, (_, i) => i + 1);
const run = (variant: Variant, losses = [1, 1, 1]): FinishedRun => ({
  variant,
  seed: 0,
  record: {
    id: variant.id,
    curve: losses.map((loss, i) => ({ step: 10 * i, accuracy: 0.1 + i / 4, loss })),
    secondsPerStep: 1,
  },
});
const chance = { accuracy: 0.1, clearlyAbove: 0.2 };
const conclusions = conclude(
  variantsOf(['vanilla', 'tract'], lambdas).map((variant) => run(variant)),
  20,
  new Map(),
  chance,
);

/** The values of attributes in the parts of an SVG that match, each different combination once. */
function looks(svg: string, part: RegExp, attributes: readonly string[]): Set<string> {
  const value = (text: string, name: string): string =>
    new RegExp(` ${name}="([^"]*)"`).exec(text)?.[1] ?? '';
  return new Set(
    [...svg.matchAll(part)].map(([text]) => attributes.map((name) => value(text, name)).join(' ')),
  );
}

it('tells more methods apart than there are colours', async () => {
  const { svg, narrow } = await accuracyChart(conclusions);
  for (const drawn of [svg, narrow!]) {
    const lines = looks(drawn, /<path aria-label[^>]*"line mark"[^>]*>/g, ['stroke', 'stroke-dasharray']);
    assert.equal(lines.size, 25);
  }
  const bars = await targetChart(conclusions);
  assert.equal(looks(bars.svg, /<path[^>]*"bar"[^>]*>/g, ['fill', 'opacity']).size, 25);
});

it('draws a loss that has come to nothing', async () => {
  const [vanilla] = variantsOf(['vanilla'], []);
  const { svg } = await lossChart(conclude([run(vanilla, [2, 1, 0])], 20, new Map(), chance));
  assert.match(svg, /"line mark" d="M[\d.,ML-]+"/);
});
