/** A run as one HTML file that needs nothing else. */
import { toPng } from '../pictures/png.js';
import { methodNames } from '../settings.js';
import type { TestResult } from '../training/evaluation.js';
import { engineName } from './engine.js';
import { percent } from './parts.js';
import { type LaneView, type Point, type RunView, standing } from './run.js';
import { smooth } from './smooth.js';
import { workers } from './state.js';

const MISTAKES = 24;
const LARGEST_MATRIX = 40;

export async function reportOf(view: RunView, lane: number, result: TestResult): Promise<string> {
  const { method } = view.lanes[lane];
  const name = methodNames[method];
  const found = standing(view);
  const title = `${view.modelName} with ${name}, step ${result.step}`;
  const settings = [...view.settings[lane], ['engine', engineName(view.engine)] as const].map(
    ([what, value]) => `<tr><th>${escaped(what)}</th><td>${escaped(value)}</td></tr>`,
  );
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="answer">${percent(result.accuracy)} of ${result.labels.length} test pictures are right.</p>`,
    found
      ? `<p>TrAct reached ${percent(found.accuracy)} after ${Math.round(found.tract)} steps, vanilla after ${Math.round(found.vanilla)}: ${found.speedup.toFixed(1)} times fewer.</p>`
      : '',
    '<h2>Accuracy on test pictures</h2>',
    accuracyChart(view),
    '<h2>Loss of training batches</h2>',
    lossChart(view),
    '<h2>Classes</h2>',
    classTable(result),
    ...(result.classNames.length <= LARGEST_MATRIX
      ? [
          '<h2>Confusion matrix</h2><p>A row is a class, a column what its pictures were taken for.</p>',
          matrix(result),
        ]
      : []),
    `<h2>The worst mistakes</h2>${await mistakes(result)}`,
    `<h2>Settings</h2><table>${settings.join('')}</table>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(title)}</title><style>${style}</style></head><body><main>
${body.filter(Boolean).join('\n')}
</main></body></html>
`;
}

const style = `:root{color-scheme:light dark;--ink:#1b1f24;--muted:#57606a;--grid:#e3e7ec;--vanilla:#5f6773;--tract:#1463d6;--surface:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e9ecef;--muted:#a4adb8;--grid:#2c3239;--vanilla:#a9b2bd;--tract:#74acff;--surface:#15181c}}
body{margin:0;background:var(--surface);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:28px 16px 64px}h1{font-size:1.05rem;color:var(--muted)}h2{margin:44px 0 8px}
.answer{font-size:1.7rem;font-weight:650;margin:0 0 12px}svg{width:100%;max-width:640px;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}.scroll{overflow-x:auto}
th,td{padding:5px 10px;border-bottom:1px solid var(--grid);text-align:right}th{font-weight:500;color:var(--muted);text-align:left}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:14px}figure{margin:0}
figure img{width:100%;image-rendering:pixelated;border-radius:6px}figcaption{font-size:.85rem;color:var(--muted);overflow-wrap:anywhere}`;

/** @param marks what is named on the axis of y, from 0 up; the last is its end */
function chart(
  { lanes, steps }: RunView,
  name: string,
  pointsOf: (lane: LaneView) => readonly Point[],
  marks: readonly (readonly [value: number, text: string])[],
): string {
  const [width, height, left, top, bottom] = [640, 300, 52, 30, 44];
  const most = marks.at(-1)![0];
  const x = (step: number): number => left + (step / Math.max(steps, 1)) * (width - left - 12);
  const y = (value: number): number => (1 - Math.min(value / most, 1)) * (height - bottom - top) + top;
  const lines = lanes.map((lane) => {
    const points = pointsOf(lane).map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="var(--${lane.method})" stroke-width="2.5"/>`;
  });
  const grid = marks.map(
    ([value, text]) =>
      `<line x1="${left}" x2="${width - 12}" y1="${y(value)}" y2="${y(value)}" stroke="var(--grid)"/><text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${text}</text>`,
  );
  const ends = [0, steps].map(
    (step) =>
      `<text x="${x(step)}" y="${height - 26}" text-anchor="${step === 0 ? 'start' : 'end'}">${step}</text>`,
  );
  const names = lanes.map(
    ({ method }, i) =>
      `<text x="${left + 12 + 90 * i}" y="${height - 6}" fill="var(--${method})" font-weight="600">${methodNames[method]}</text>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${name} over the steps" font-size="12" fill="var(--muted)" font-family="system-ui,sans-serif"><text x="4" y="14">${name}</text>${grid.join('')}${ends.join('')}<text x="${width - 12}" y="${height - 6}" text-anchor="end">step</text>${lines.join('')}${names.join('')}</svg>`;
}

function accuracyChart(view: RunView): string {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${100 * share} %`] as const);
  return chart(view, 'accuracy', ({ accuracies }) => accuracies, marks);
}

function lossChart(view: RunView): string {
  // One that explodes leaves the chart, so that the rest can be seen.
  const values = view.lanes.flatMap(({ losses }) => smooth(losses).map(({ value }) => value));
  const guessing = Math.log(Math.max(view.classNames.length, 2));
  const most = Math.min(Math.max(0.1, ...values), 3 * guessing);
  const marks = [0, 0.5, 1].map((share) => [share * most, (share * most).toFixed(2)] as const);
  return chart(view, 'loss, mean of ten steps', ({ losses }) => smooth(losses), marks);
}

function tallied({ classNames, labels, predicted }: TestResult): {
  counts: Uint32Array;
  totals: Uint32Array;
  taken: Uint32Array;
} {
  const classes = classNames.length;
  const [counts, totals, taken] = [classes * classes, classes, classes].map(
    (length) => new Uint32Array(length),
  );
  labels.forEach((label, i) => {
    counts[label * classes + predicted[i]]++;
    totals[label]++;
    taken[predicted[i]]++;
  });
  return { counts, totals, taken };
}

function classTable(result: TestResult): string {
  const { classNames } = result;
  const { counts, totals, taken } = tallied(result);
  const share = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole));
  const rows = classNames.map((name, k) => {
    const right = counts[k * classNames.length + k];
    return `<tr><th>${escaped(name)}</th><td>${totals[k]}</td><td>${share(right, taken[k])}</td><td>${share(right, totals[k])}</td></tr>`;
  });
  return `<table><tr><th>class</th><th>pictures</th><th>precision</th><th>recall</th></tr>${rows.join('')}</table>`;
}

function matrix(result: TestResult): string {
  const { classNames } = result;
  const { counts, totals } = tallied(result);
  const heads = classNames.map((name) => `<th>${escaped(name)}</th>`).join('');
  const rows = classNames.map((name, label) => {
    const cells = classNames.map((_, guess) => {
      const here = counts[label * classNames.length + guess];
      if (here === 0) return '<td></td>';
      const strength = (0.08 + 0.6 * (here / totals[label])).toFixed(2);
      return `<td style="background:hsl(${label === guess ? 150 : 20} 70% 50% / ${strength})">${here}</td>`;
    });
    return `<tr><th>${escaped(name)}</th>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><tr><th></th>${heads}</tr>${rows.join('')}</table></div>`;
}

async function mistakes({
  labels,
  predicted,
  losses,
  probability,
  names,
  classNames,
}: TestResult): Promise<string> {
  const wrong = Array.from(labels.keys()).filter((i) => labels[i] !== predicted[i]);
  wrong.sort((a, b) => losses[b] - losses[a]);
  const worst = wrong.slice(0, MISTAKES);
  if (worst.length === 0) return '<p>There are none.</p>';
  const { size, pixels } = await workers().training.pixels(worst);
  const bytes = 3 * size * size;
  const figures = worst.map((index, row) => {
    const png = toPng(pixels.subarray(row * bytes, (row + 1) * bytes), size, size);
    const source = `data:image/png;base64,${btoa(String.fromCharCode(...png))}`;
    return `<figure><img src="${source}" alt=""><figcaption>${escaped(classNames[labels[index]])}, taken for ${escaped(classNames[predicted[index]])} (${percent(probability[index], 0)})<br>${escaped(names[index])}</figcaption></figure>`;
  });
  return `<div class="sheet">${figures.join('')}</div>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character]);
