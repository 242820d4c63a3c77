/** The frame of a report: one HTML file that needs nothing else. */
import { type Chart, NARROW, WIDE, colourStyles, escapeXml } from './chart.js';
import type { FilterPicture } from './filters.js';

const styles = `
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1060px;margin:0 auto;padding:28px 16px 64px}
h1{font-size:1.05rem;font-weight:600;color:var(--muted);margin:0 0 8px}
h2{font-size:1.3rem;line-height:1.3;margin:56px 0 6px}
p{max-width:72ch;margin:8px 0}
.answer{font-size:clamp(1.35rem,4.2vw,2rem);line-height:1.28;font-weight:650;letter-spacing:-.01em;max-width:32ch;margin:0 0 20px}
.answer.long{font-size:clamp(1.2rem,3.4vw,1.65rem);max-width:44ch}
.note{color:var(--muted)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
.tile{min-width:0;border:1px solid var(--grid);border-radius:10px;padding:14px 16px}
.tile b{display:block;overflow-wrap:anywhere;font-size:clamp(1.35rem,5vw,1.7rem);line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:.92rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,${WIDE}px),1fr));gap:24px;margin:16px 0}
.charts.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,max(${NARROW}px,34%)),1fr))}
figure{margin:0;min-width:0;container-type:inline-size}
figure svg{display:block;width:100%;height:auto;max-width:560px}
.charts.small svg{max-width:400px}
.narrow{display:none}
@container(max-width:${WIDE - 1}px){.wide{display:none}.narrow{display:block}}
figcaption{color:var(--muted);font-size:.92rem;margin-top:6px;max-width:60ch}
.scroll{overflow-x:auto;margin:16px 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;min-width:100%}
th,td{text-align:right;padding:8px 12px;border-bottom:1px solid var(--grid);vertical-align:top;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{color:var(--muted);font-weight:500;font-size:.88rem;vertical-align:bottom;white-space:normal}
td small{display:block;color:var(--muted);font-size:.82rem;}
.swatch{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.5em}
.filters img{width:100%;max-width:440px;height:auto;image-rendering:pixelated;display:block}
ul{padding-left:1.2em;max-width:72ch}
li{margin:6px 0}
dl{display:grid;grid-template-columns:auto 1fr;gap:2px 18px;max-width:72ch}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
@media(max-width:520px){
thead{display:none}
table,tbody,tr{display:block}
tr{border-bottom:1px solid var(--grid);padding:12px 0}
td{display:flex;justify-content:space-between;gap:16px;padding:3px 0;border:0;white-space:normal}
td:empty{display:none}
td:first-child{justify-content:flex-start;align-items:center;gap:0;font-weight:600}
td[data-name]::before{content:attr(data-name);color:var(--muted);text-align:left}
dl{grid-template-columns:1fr}dd{margin-bottom:8px}
}
@media print{main{max-width:none}}
`;

/** @param body HTML */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeXml(title)}</title>
<style>${colourStyles}${styles}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

/** A chart with what is to be seen in it, in the width there is place for. @param caption text */
export function figure({ name, svg, narrow }: Chart, caption = ''): string {
  const drawn =
    narrow === undefined ? svg : `<div class="wide">${svg}</div><div class="narrow">${narrow}</div>`;
  const below = caption === '' ? '' : `<figcaption>${escapeXml(caption)}</figcaption>`;
  return `<figure id="${name}">${drawn}${below}</figure>`;
}

/** Text as HTML, with no line broken between a number and its percent sign. */
export function prose(text: string): string {
  return escapeXml(text).replaceAll(' %', '&nbsp;%');
}

export function paragraphs(texts: readonly string[], className = ''): string {
  const opening = className === '' ? '<p>' : `<p class="${className}">`;
  return texts.map((text) => `${opening}${prose(text)}</p>`).join('\n');
}

export function list(texts: readonly string[]): string {
  return `<ul>${texts.map((text) => `<li>${prose(text)}</li>`).join('')}</ul>`;
}

/** A first layer's filters under the name of their method. */
export function filterFigure(label: string, { uri, count, kernel, width, height }: FilterPicture): string {
  const name = escapeXml(label);
  return `<figure class="filters"><img src="${uri}" width="${width}" height="${height}" alt="The ${count} first-layer filters of ${name}"><figcaption>${name}: ${count} filters of ${kernel.join(' × ')} pixels</figcaption></figure>`;
}

/** Names and values, one below the other. */
export function definitions(entries: readonly (readonly [name: string, value: string])[]): string {
  const rows = entries.map(([name, value]) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd>`);
  return `<dl>${rows.join('')}</dl>`;
}

/** What the ‖Δz‖ picture is, for someone who has not read the paper. */
export const updateExplanation = [
  'The first layer turns pixels x into pre-activations z. In ordinary training the gradient of its weights is that of z times the pixels, so that images far from what the model sees as zero can outweigh the others. TrAct takes the step on z itself and looks for the change of the weights that comes closest to it.',
  'Each dot is one image of a batch. The height says how far a single update of the first layer, made from the gradient of this batch, moves the pre-activations of that image (‖Δz‖, over all positions and channels). Both methods start from the same weights and take one plain step of the same gradient.',
];
