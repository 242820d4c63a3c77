/** Test pictures with their names. */
import { useEffect, useState } from 'preact/hooks';
import type { PixelRows, TestResult } from '../training/evaluation.js';
import { Busy, percent } from './parts.js';
import { attempt, workers } from './state.js';
import { PixelTile } from './thumbnail.js';

/** Test pictures with their names, and what they were taken for. */
export function Sheet({
  result,
  indices,
  told = false,
}: {
  readonly result: TestResult;
  readonly indices: readonly number[];
  readonly told?: boolean;
}) {
  const [rows, setRows] = useState<PixelRows>();
  const wanted = indices.join();
  useEffect(() => {
    let gone = false;
    setRows(undefined);
    void attempt(() => workers().training.pixels(indices)).then((found) => {
      if (!gone) setRows(found);
    });
    return () => {
      gone = true;
    };
  }, [wanted]);
  const { classNames, labels, predicted, probability, names } = result;
  if (!rows) return <Busy>Fetching the pictures…</Busy>;
  const bytes = 3 * rows.size * rows.size;
  return (
    <ul class="sheet">
      {indices.map((index, row) => (
        <li key={index}>
          <PixelTile
            pixels={rows.pixels.subarray(row * bytes, (row + 1) * bytes)}
            size={rows.size}
            alt={`${classNames[labels[index]]}: ${names[index]}`}
          />
          <p>
            {told && (
              <>
                <b>{classNames[labels[index]]}</b>, taken for <b>{classNames[predicted[index]]}</b> (
                {percent(probability[index], 0)})
                <br />
              </>
            )}
            <span class="muted">{names[index]}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
