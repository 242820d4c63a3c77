/** The parity table as Markdown. */
import { largestDifference } from '../../train/step-differences.js';
import type { Steps } from './engine.js';
import type { OperatorErrors, OperatorRow } from './operators.js';

/** A text where the engine failed. */
export type Outcome = Steps | string;

const figure = (value: number): string => (value === 0 ? '0' : value.toExponential(1));

function table(rows: readonly (readonly string[])[]): string {
  const [heading, ...others] = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return [heading, `| ${rows[0].map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`, ...others].join(
    '\n',
  );
}

/** Text of an error as a cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 2000);

/**
 * @param outcomes by the title of the engine; the first is what the others are compared with
 */
export function trainingTable(title: string, outcomes: ReadonlyMap<string, Outcome>): string {
  const titles = [...outcomes.keys()];
  const reference = outcomes.get(titles[0])!;
  const found = titles.map((one) => outcomes.get(one)!);
  if (typeof reference === 'string') return `### ${title}\n\n${titles[0]} failed: ${cell(reference)}`;
  const each = (value: (steps: Steps) => string): string[] =>
    found.map((outcome) => (typeof outcome === 'string' ? 'failed' : value(outcome)));
  const losses = reference.losses.map((_, step) => [
    String(step + 1),
    ...each((steps) => steps.losses[step].toFixed(7)),
  ]);
  const differences = (name: 'gradients' | 'weights'): string[] =>
    each((steps) =>
      steps === reference ? '—' : figure(largestDifference(steps[name], reference[name]).difference),
    );
  const rows = [
    ['loss of step', ...titles],
    ...losses,
    ['gradients before step 1', ...differences('gradients')],
    ['weights after the last step', ...differences('weights')],
    ['the state between steps', ...each(({ location }) => location)],
  ];
  const failures = titles.flatMap((one) => {
    const outcome = outcomes.get(one)!;
    return typeof outcome === 'string' ? [`${one} failed: ${cell(outcome)}`] : [];
  });
  return [`### ${title}`, table(rows), ...failures].join('\n\n');
}

export function operatorTable(rows: readonly OperatorRow[], titles: readonly string[]): string {
  const text = ({ largest, wrong, failed }: OperatorErrors, cases: number): string =>
    [
      ...(wrong.length + failed.length < cases ? [figure(largest)] : []),
      ...(wrong.length > 0 ? [`${wrong.length} wrong`] : []),
      ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ].join(', ');
  const notes = rows.flatMap(({ operator, errors }) =>
    titles.flatMap((title) => {
      const { wrong, failed } = errors[title];
      return [
        ...(wrong.length > 0 ? [`- \`${operator}\` on ${title} is wrong: ${cell(wrong.join('; '))}`] : []),
        // The others fail alike.
        ...(failed.length > 0 ? [`- \`${operator}\` on ${title} fails: ${cell(failed[0])}`] : []),
      ];
    }),
  );
  const body = rows.map(({ operator, cases, errors }) => [
    `\`${operator}\``,
    String(cases),
    ...titles.map((title) => text(errors[title], cases)),
  ]);
  return [table([['operator', 'cases', ...titles], ...body]), notes.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}
