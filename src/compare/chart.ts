/**
 * Charts as SVG, drawn by Vega-Lite without a browser.
 *
 * Colours are CSS variables, so that a chart follows the page it stands in, dark or light; a chart in a file of its
 * own brings their values along.
 */
import type { Config, TopLevelSpec } from 'vega-lite';

/** How many colours there are for series; more series than that begin anew, with other dashes. */
const SERIES = 10;

/** Of lines, in pixels drawn and left out: of the first ten series, the next ten, and so on. */
const DASHES = [
  [1, 0],
  [2, 3],
  [10, 3],
  [10, 3, 2, 3],
];
/** Of the first series of all, which the others are compared with. */
const FIRST_DASH = [6, 3];

const light = {
  surface: '#ffffff',
  ink: '#1b1f24',
  muted: '#57606a',
  grid: '#e3e7ec',
  series: [
    '#5f6773',
    '#1463d6',
    '#c9600a',
    '#13764f',
    '#8b3fc4',
    '#b81f58',
    '#077e90',
    '#7a6000',
    '#548a0a',
    '#000000',
  ],
};

const dark: typeof light = {
  surface: '#15181c',
  ink: '#e9ecef',
  muted: '#a4adb8',
  grid: '#2c3239',
  series: [
    '#a9b2bd',
    '#74acff',
    '#f2a766',
    '#5ccaa0',
    '#cba2f5',
    '#f58aae',
    '#5accdc',
    '#d8be54',
    '#a5d65c',
    '#ffffff',
  ],
};

const declarations = ({ surface, ink, muted, grid, series }: typeof light): string =>
  [
    `--surface:${surface}`,
    `--ink:${ink}`,
    `--muted:${muted}`,
    `--grid:${grid}`,
    ...series.map((colour, i) => `--series-${i}:${colour}`),
  ].join(';');

/** The values of the colours, for light and for dark surroundings. */
export const colourStyles = `:root{color-scheme:light dark;${declarations(light)}}@media(prefers-color-scheme:dark){:root{${declarations(dark)}}}`;

/** The colour of a series. */
export const seriesColour = (index: number): string => `var(--series-${index % SERIES})`;

/** The dashes of a series' line. */
export const seriesDash = (index: number): number[] =>
  index === 0 ? FIRST_DASH : DASHES[Math.floor(index / SERIES) % DASHES.length];

/** How opaque a series' bar is: one whose colour was there before is paler. */
export const seriesOpacity = (index: number): number => Math.max(0.2, 1 - 0.55 * Math.floor(index / SERIES));

/** Steps are whole, however few there are. */
export const STEP_AXIS = { format: ',d', tickMinStep: 1 } as const;

/** Of losses and rates, which are of any size, and in a short run all but the same. */
export const NUMBER_FORMAT = '.4~g';

/** Pixels. */
export const LEGEND_FONT_SIZE = 13;

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

const config: Config = {
  background: 'transparent',
  font: FONT,
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: 'var(--muted)',
    titleColor: 'var(--ink)',
    gridColor: 'var(--grid)',
    domainColor: 'var(--muted)',
    tickColor: 'var(--muted)',
    labelFontSize: 13,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    titlePadding: 8,
    labelOverlap: true,
  },
  legend: {
    labelColor: 'var(--ink)',
    labelFontSize: LEGEND_FONT_SIZE,
    labelLimit: 300,
    titleColor: 'var(--ink)',
    orient: 'top',
    symbolStrokeWidth: 2.5,
  },
  text: { color: 'var(--ink)', font: FONT },
};

/** A plot of a report. */
export interface Chart {
  /** Of the file, without its ending. */
  readonly name: string;
  /** What is to be seen, for those who do not see it. */
  readonly description: string;
  /** For a page that defines the colours. Letters are 12 pixels or more where it is shown at its own width. */
  readonly svg: string;
  /** The same for narrow places, a phone say; absent where the other is narrow enough. */
  readonly narrow?: string;
}

/** Pixels that a chart is wide: what a column of the page has on a desk at least, and what a phone has. */
export const WIDE = 440;
export const NARROW = 320;

/**
 * Draws a chart.
 *
 * @param description text
 * @param spec a `TopLevelSpec` of Vega-Lite. Its type is not named here, because its declarations are not for every
 *   compiler, and those who use this package are not to need them
 * @param narrow the same chart for narrow places
 */
export async function drawChart(
  name: string,
  description: string,
  spec: object,
  narrow?: object,
): Promise<Chart> {
  return {
    name,
    description,
    svg: await drawSvg(description, spec),
    ...(narrow && { narrow: await drawSvg(description, narrow) }),
  };
}

async function drawSvg(description: string, spec: object): Promise<string> {
  // Loading them takes longer than all the rest of the command, which draws nothing most of the time.
  const [{ Error: onlyErrors, View, parse }, { compile }] = await Promise.all([
    import('vega'),
    import('vega-lite'),
  ]);
  const view = new View(parse(compile(spec as TopLevelSpec, { config }).spec), {
    renderer: 'none',
    logLevel: onlyErrors,
  });
  const drawn = await view.toSVG();
  view.finalize();
  // The size is left to the page; the view box keeps the proportions.
  return drawn.replace(
    /<svg [^>]*?viewBox="([^"]*)"[^>]*>/,
    (_, box: string) =>
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${box}" role="img" aria-label="${escapeXml(description)}">`,
  );
}

/** A chart as a file of its own. */
export function standaloneSvg({ svg }: Pick<Chart, 'svg'>): string {
  const style = `<style>${colourStyles}svg{background:var(--surface)}</style>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.replace(/<svg [^>]*>/, (tag) => tag + style)}\n`;
}

/** Text as it stands in an XML or HTML element, or in an attribute between double quotes. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character]);
}
