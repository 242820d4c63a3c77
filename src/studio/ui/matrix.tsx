/** The confusion matrix, whose cells are buttons. */
import type { TestResult } from '../training/evaluation.js';
import { percent } from './parts.js';

export function Matrix({
  result: { classNames, labels, predicted },
  onCell,
}: {
  readonly result: TestResult;
  readonly onCell: (cell: readonly [number, number]) => void;
}) {
  const classes = classNames.length;
  const counts = new Uint32Array(classes * classes);
  const totals = new Uint32Array(classes);
  labels.forEach((label, i) => {
    counts[label * classes + predicted[i]]++;
    totals[label]++;
  });
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Confusion matrix">
      <table class="matrix">
        <thead>
          <tr>
            <td />
            {classNames.map((name) => (
              <th key={name} scope="col">
                <span>{name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classNames.map((name, label) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {classNames.map((other, guess) => {
                const here = counts[label * classes + guess];
                if (here === 0) return <td key={other} />;
                const share = here / totals[label];
                // Steps of strength, since the page's policy allows no styles of its own.
                const strength = Math.min(9, Math.floor(10 * share));
                return (
                  <td key={other}>
                    <button
                      type="button"
                      class={`cell ${label === guess ? 'right' : 'wrong'} s${strength}`}
                      aria-label={`${here} of ${name} taken for ${other}, ${percent(share, 0)}: show them`}
                      onClick={() => {
                        onCell([label, guess]);
                      }}
                    >
                      {here}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
