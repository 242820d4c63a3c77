/** Plain text that fits its terminal: sentences wrapped at words, and tables. */
import { visible } from './visible.js';

/** Where text goes, as far as its layout depends on that. */
export type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>;

/** Of a terminal that does not tell its width. */
const USUAL_WIDTH = 80;

/** Columns of a terminal; `Infinity` for a file or a pipe, whose lines are left whole for other programs. */
export function widthOf(output: Output): number {
  if (!output.isTTY) return Infinity;
  return output.columns > 0 ? output.columns : USUAL_WIDTH;
}

/** Spaces at which a line may end: not between a number and what belongs to it (`64.0 %`, `± 1.2`, `145 ms`). */
const BREAKS = /(?<! ±| [<=>]|^[±<=>]) +(?![%±×<=>]|(?<=\d +)(?:ms|s|min|MB|GB|points?)\b)/u;

/**
 * Wraps text at words; what is longer than a line by itself (a path) is left whole, and so are lines that begin with a
 * space: commands, which a line's end would cut in two.
 *
 * @param width columns; `Infinity` leaves the text as it is
 * @param indent of all lines of a paragraph but the first
 */
export function wrap(text: string, width: number, indent = ''): string {
  return text
    .split('\n')
    .map((paragraph) =>
      paragraph.length <= width || paragraph.startsWith(' ')
        ? paragraph
        : joined(paragraph.split(BREAKS), ' ', width, indent),
    )
    .join('\n');
}

/** Puts as many parts into a line as fit. */
function joined(parts: readonly string[], separator: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + separator.length + part.length <= width) {
      lines[lines.length - 1] = line + separator + part;
    } else lines.push(lines.length === 0 ? part : indent + part);
  }
  return lines.join('\n');
}

/** Parts of a report in one line with dots between them; where they do not fit, in as few lines as it takes. */
export function fields(parts: readonly string[], width: number): string {
  const fit = parts.every(({ length }) => length + 2 <= width);
  return fit ? joined(parts, '  ·  ', width, '  ') : wrap(parts.join('  ·  '), width, '  ');
}

export interface TableOptions {
  /** Columns that are set flush left (names); the others (figures) are set flush right. Default: the first. */
  readonly left?: readonly number[];
  /** Whether the first row is a heading, with a rule beneath it. Default true. */
  readonly heading?: boolean;
  /** Columns of the terminal. Default: as many as it takes. */
  readonly width?: number;
}

const GAP = '  ';

/** The most characters of a cell. */
const LONGEST_CELL = 200;

/**
 * Rows of cells in columns; what is in them is made safe to print (`visible`) and bounded. Where the table is wider than the terminal, cells are wrapped at words; where that is not
 * enough, every row becomes a list of its cells.
 */
export function table(
  unsafe: readonly (readonly string[])[],
  { left = [0], heading = true, width = Infinity }: TableOptions = {},
): string {
  const rows = unsafe.map((row) => row.map((cell) => visible(cell, LONGEST_CELL)));
  const widths = columnWidths(rows, width);
  if (!widths) return lists(rows, heading, width);
  const padded = (cell: string, column: number): string =>
    left.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  const drawn = rows.map((row, index) => {
    const cells = row.map((cell, column) => wrap(cell, widths[column]).split('\n'));
    const height = Math.max(...cells.map(({ length }) => length));
    // Headings stand on the rule, figures beside the first line of their name.
    const above = (cell: readonly string[]): number => (heading && index === 0 ? height - cell.length : 0);
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((cell, column) => padded(cell[line - above(cell)] ?? '', column))
        .join(GAP)
        .trimEnd(),
    ).join('\n');
  });
  const rule = widths.map((columns) => '─'.repeat(columns)).join(GAP);
  return (heading ? [drawn[0], rule, ...drawn.slice(1)] : drawn).join('\n');
}

/** As wide as the widest cell, or as wrapping allows; undefined where even that is too wide. */
function columnWidths(rows: readonly (readonly string[])[], width: number): number[] | undefined {
  const widest = (measure: (cell: string) => number): number[] =>
    rows[0].map((_, column) => Math.max(...rows.map((row) => measure(row[column]))));
  const widths = widest(({ length }) => length);
  const least = widest((cell) => Math.max(...cell.split(BREAKS).map(({ length }) => length)));
  const total = (): number =>
    widths.reduce((sum, columns) => sum + columns, GAP.length * (widths.length - 1));
  while (total() > width) {
    const shrinkable = widths.map((columns, i) => (columns > least[i] ? columns : 0));
    const most = Math.max(...shrinkable);
    if (most === 0) return undefined;
    widths[shrinkable.indexOf(most)]--;
  }
  // Lines that end early leave columns that nothing needs.
  return widths.map((columns, i) =>
    Math.max(...rows.flatMap((row) => wrap(row[i], columns).split('\n')).map(({ length }) => length)),
  );
}

/** `TrAct`, and below it `  speed-up 2.23×` and so on. */
function lists(rows: readonly (readonly string[])[], heading: boolean, width: number): string {
  const [names, ...others] = heading ? rows : [[], ...rows];
  const item = (cell: string, i: number): string[] => {
    const text = heading ? `${names[i + 1]}: ${cell}` : cell;
    return cell === '' ? [] : wrap(text, width - 2, '  ').split('\n');
  };
  return others
    .map(([first, ...cells]) => [wrap(first, width), ...cells.flatMap(item).map((line) => `  ${line}`)])
    .map((lines) => lines.join('\n'))
    .join('\n');
}
