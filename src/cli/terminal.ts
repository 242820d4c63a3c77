/**
 * The way from this command to the terminal, and the only one: what it prints may hold names from files and from the
 * command line, which are made safe (`visible`), and then it is wrapped to the terminal's width.
 */
import { type TableOptions, fields, table, widthOf, wrap } from './layout.js';
import { visible, withoutUnseen } from './visible.js';

/** Of what a line goes on with where it was wrapped. */
const INDENT = '  ';

/** Whether this process is one of several, and another one prints. */
let muted = false;

/** From here on nothing is printed. */
export function mute(): void {
  muted = true;
}

export const isMuted = (): boolean => muted;

let notSaid: readonly string[] = [];

/** The last lines that would have been printed on stderr. */
export const unsaid = (): readonly string[] => notSaid;

/** From here on what is printed is laid out for no terminal, even if the output seems to be one. */
export function toNobody(): void {
  for (const stream of [process.stdout, process.stderr]) stream.isTTY = false;
}

/** Prints lines on stdout. */
export function print(...lines: readonly string[]): void {
  if (!muted) process.stdout.write(text(lines, process.stdout));
}

/** Prints lines on stderr. */
export function note(...lines: readonly string[]): void {
  if (muted) notSaid = lines;
  else lastWords(...lines);
}

/** Prints lines on stderr, even if this process does not print otherwise. */
export function lastWords(...lines: readonly string[]): void {
  process.stderr.write(text(lines, process.stderr));
}

function text(lines: readonly string[], output: NodeJS.WriteStream): string {
  const width = widthOf(output);
  return lines.map((line) => `${wrap(visible(line), width, INDENT)}\n`).join('');
}

/** Prints parts of a line on stdout, with dots between them; where they do not fit, in as few lines as it takes. */
export function printFields(...parts: readonly string[]): void {
  if (muted) return;
  const shown = parts.map((part) => visible(part));
  process.stdout.write(`${fields(shown, widthOf(process.stdout))}\n`);
}

/** Prints a table on stdout, as wide as the terminal at most. */
export function printTable(
  rows: readonly (readonly string[])[],
  options: Omit<TableOptions, 'width'> = {},
): void {
  if (!muted) process.stdout.write(`${table(rows, { ...options, width: widthOf(process.stdout) })}\n`);
}

/** Prints a line on stderr in the place of the one before; `note('')` ends it. */
export function noteInPlace(line: string): void {
  if (!muted) process.stderr.write(`\r${visible(line)} `);
}

/** Prints a line of JSON on stdout, complete: nothing is shortened, and the escapes are JSON's own. */
export function printJson(event: object): void {
  if (!muted) process.stdout.write(`${withoutUnseen(JSON.stringify(event))}\n`);
}
