/** What the model makes of the test pictures: the confusion matrix, and the worst mistakes. */
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../rpc.js';
import type { TestResult } from '../training/evaluation.js';
import { Matrix } from './matrix.js';
import { Busy, Dialog, Pager, Problem, percent } from './parts.js';
import { Sheet } from './sheet.js';
import { count, workers } from './state.js';

const WORST = 12;

/** A matrix of more classes cannot be read. */
const LARGEST_MATRIX = 40;

export function TestPictures({ lane }: { readonly lane: number }) {
  const [result, setResult] = useState<TestResult>();
  const [failure, setFailure] = useState<string>();
  const [cell, setCell] = useState<readonly [label: number, predicted: number] | null>(null);
  useEffect(() => {
    let gone = false;
    workers()
      .training.test(lane)
      .then(
        (found) => {
          if (!gone) setResult(found);
        },
        (error: unknown) => {
          if (!gone) setFailure(messageOf(error));
        },
      );
    return () => {
      gone = true;
    };
  }, [lane]);
  if (failure !== undefined) return <Problem>{failure}</Problem>;
  if (!result) return <Busy>Looking at all test pictures…</Busy>;
  const right = result.labels.reduce((sum, label, i) => sum + (result.predicted[i] === label ? 1 : 0), 0);
  return (
    <>
      <section>
        <h2>Confusion matrix</h2>
        <p class="muted">
          {right.toLocaleString('en')} of {count(result.labels.length, 'test picture')} are right (
          {percent(result.accuracy)}). A row is a class, a column what its pictures were taken for; every cell
          opens its pictures.
        </p>
        {result.classNames.length <= LARGEST_MATRIX ? (
          <Matrix result={result} onCell={setCell} />
        ) : (
          <p class="muted">With {result.classNames.length} classes it would be too large to be read.</p>
        )}
      </section>
      <Mistakes result={result} />
      {cell && (
        <CellDialog
          result={result}
          cell={cell}
          onClose={() => {
            setCell(null);
          }}
        />
      )}
    </>
  );
}

const PER_PAGE = 60;

function CellDialog({
  result,
  cell: [label, guess],
  onClose,
}: {
  readonly result: TestResult;
  readonly cell: readonly [number, number];
  readonly onClose: () => void;
}) {
  const [page, setPage] = useState(0);
  const { classNames, labels, predicted } = result;
  const all: number[] = [];
  labels.forEach((own, i) => {
    if (own === label && predicted[i] === guess) all.push(i);
  });
  const pages = Math.ceil(all.length / PER_PAGE);
  const title =
    label === guess
      ? `${classNames[label]}, taken for what it is`
      : `${classNames[label]}, taken for ${classNames[guess]}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="muted">{count(all.length, 'picture')}</p>
      <Sheet result={result} indices={all.slice(page * PER_PAGE, (page + 1) * PER_PAGE)} />
      <Pager page={page} pages={pages} onChange={setPage} />
    </Dialog>
  );
}

function Mistakes({ result }: { readonly result: TestResult }) {
  const { labels, predicted, losses } = result;
  const wrong = Array.from(labels.keys()).filter((i) => labels[i] !== predicted[i]);
  wrong.sort((a, b) => losses[b] - losses[a]);
  return (
    <section>
      <h2>The worst mistakes</h2>
      {wrong.length === 0 ? (
        <p class="muted">There are none: every test picture is right.</p>
      ) : (
        <>
          <p class="muted">Those whose class it held for least likely. Often the label is what is wrong.</p>
          <Sheet result={result} indices={wrong.slice(0, WORST)} told />
        </>
      )}
    </section>
  );
}
