/** The fourth step: what was learned. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../rpc.js';
import { methodNames } from '../settings.js';
import type { Guess, PixelRows, TestResult } from '../training/evaluation.js';
import { Dialog, FileButton, duration, percent } from './parts.js';
import { type RunView, run, status, step } from './run.js';
import { attempt, count, goTo, onDropped, workers } from './state.js';
import { PixelTile } from './thumbnail.js';
import { Swatch } from './train-page.js';
import { grab, useCamera } from './webcam.js';

export function TryPage() {
  const view = run.value;
  if (!view || (step.value === 0 && view.spec.data.kind !== 'none')) return <NothingYet />;
  return <Trying view={view} />;
}

export function NothingYet() {
  return (
    <section class="hero">
      <h1>Nothing learned yet</h1>
      <p class="lead">Train for some steps first, or open a run under Take away.</p>
      <button
        type="button"
        class="primary large"
        onClick={() => {
          goTo('train');
        }}
      >
        Go to training
      </button>
    </section>
  );
}

/** TrAct, where there is a choice. */
export const usualLane = ({ lanes }: RunView): number =>
  Math.max(
    0,
    lanes.findIndex(({ method }) => method === 'tract'),
  );

export function LaneChoice({
  view,
  lane,
  onChange,
}: {
  readonly view: RunView;
  readonly lane: number;
  readonly onChange: (lane: number) => void;
}) {
  if (view.lanes.length === 1) return null;
  return (
    <fieldset class="segments">
      <legend>Which of the two</legend>
      {view.lanes.map(({ method }, i) => (
        <label key={method} class={lane === i ? 'chosen' : ''}>
          <input
            type="radio"
            name="lane"
            checked={lane === i}
            onChange={() => {
              onChange(i);
            }}
          />
          <Swatch method={method} /> {methodNames[method]}
        </label>
      ))}
    </fieldset>
  );
}

function Trying({ view }: { readonly view: RunView }) {
  const [chosenLane, setLane] = useState(usualLane(view));
  // A run that is opened may have one alone.
  const lane = Math.min(chosenLane, view.lanes.length - 1);
  return (
    <>
      <h1>Try it</h1>
      <p class="lead">
        {status.value === 'running'
          ? 'It is still training: answers come between two steps.'
          : `What ${methodNames[view.lanes[lane].method]} has learned after ${count(step.value, 'step')}.`}
      </p>
      <LaneChoice view={view} lane={lane} onChange={setLane} />
      <div class="charts try">
        <Guessing key={lane} lane={lane} />
      </div>
      {view.spec.data.kind === 'none' ? (
        <p class="note">{view.spec.data.reason}</p>
      ) : (
        <TestPictures key={`${lane}/${status.value === 'running' ? '' : step.value}`} lane={lane} />
      )}
    </>
  );
}

function Guessing({ lane }: { readonly lane: number }) {
  const [shown, setShown] = useState<{ readonly url?: string; readonly name: string }>();
  const [guesses, setGuesses] = useState<readonly Guess[]>();
  const [seconds, setSeconds] = useState<number>();
  const [camera, setCamera] = useState(false);
  const ask = async (picture: Blob | ImageData): Promise<void> => {
    const begun = performance.now();
    const found = await attempt(() => workers().training.guess(lane, picture));
    if (!found) return;
    setGuesses(found);
    setSeconds((performance.now() - begun) / 1000);
  };
  const take = (file: File | undefined): void => {
    if (!file) return;
    setCamera(false);
    setShown((before) => {
      if (before?.url !== undefined) URL.revokeObjectURL(before.url);
      return { url: URL.createObjectURL(file), name: file.name };
    });
    void ask(file);
  };
  useEffect(() => {
    onDropped.value = (files) => {
      take(files[0]?.file as File | undefined);
    };
    return () => {
      onDropped.value = null;
    };
  }, [lane]);
  return (
    <>
      <section class="drop-zone">
        {camera ? (
          <LiveCamera
            onFrame={ask}
            onEnd={() => {
              setCamera(false);
            }}
          />
        ) : (
          <>
            {shown?.url !== undefined && (
              <img class="tried" src={shown.url} alt={`Your picture ${shown.name}`} />
            )}
            <p>{shown ? shown.name : 'Drop a picture here, or choose one.'}</p>
            <div class="buttons">
              <FileButton
                primary
                accept="image/*"
                onFiles={(files) => {
                  take(files[0]);
                }}
              >
                Choose a picture
              </FileButton>
              <button
                type="button"
                onClick={() => {
                  setShown(undefined);
                  setGuesses(undefined);
                  setCamera(true);
                }}
              >
                Use the webcam
              </button>
            </div>
          </>
        )}
      </section>
      <section aria-live="polite" aria-label="What it is taken for">
        <h2>What it is taken for</h2>
        {guesses ? (
          <>
            <ol class="guesses">
              {guesses.map(({ className, probability }) => (
                <li key={className}>
                  <span class="name">{className}</span>
                  <meter min={0} max={1} value={probability} aria-label={`Probability of ${className}`} />
                  <span class="figure">{percent(probability)}</span>
                </li>
              ))}
            </ol>
            {seconds !== undefined && !camera && (
              <p class="muted">Answered in {duration(seconds)}, in this tab.</p>
            )}
          </>
        ) : (
          <p class="muted">The five likeliest classes, as soon as there is a picture.</p>
        )}
      </section>
    </>
  );
}

function LiveCamera({
  onFrame,
  onEnd,
}: {
  readonly onFrame: (frame: ImageData) => Promise<void>;
  readonly onEnd: () => void;
}) {
  const { video, ready, problem } = useCamera();
  const latest = useRef(onFrame);
  latest.current = onFrame;
  useEffect(() => {
    if (!ready) return;
    let over = false;
    // The next frame when the last is answered.
    const follow = async (): Promise<void> => {
      while (!over) {
        const canvas = grab(video.current!);
        await latest.current(canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    void follow();
    return () => {
      over = true;
    };
  }, [ready]);
  return (
    <div class="camera">
      {problem === undefined ? (
        <video ref={video} muted playsInline aria-label="What the camera sees" />
      ) : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="button" onClick={onEnd}>
        Stop the webcam
      </button>
    </div>
  );
}

const WORST = 12;
/** A matrix of more classes cannot be read. */
const LARGEST_MATRIX = 40;

function TestPictures({ lane }: { readonly lane: number }) {
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
  if (failure !== undefined)
    return (
      <p class="problem" role="alert">
        {failure}
      </p>
    );
  if (!result)
    return (
      <p class="working" role="status">
        <span class="pulse" aria-hidden="true" /> Looking at all test pictures…
      </p>
    );
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

function Matrix({
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
      {pages > 1 && (
        <nav class="buttons" aria-label="Pages">
          <button
            type="button"
            disabled={page === 0}
            onClick={() => {
              setPage(page - 1);
            }}
          >
            Before
          </button>
          <span>
            Page {page + 1} of {pages}
          </span>
          <button
            type="button"
            disabled={page === pages - 1}
            onClick={() => {
              setPage(page + 1);
            }}
          >
            Next
          </button>
        </nav>
      )}
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
          <p class="muted">Those it was surest of. Often the label is what is wrong.</p>
          <Sheet result={result} indices={wrong.slice(0, WORST)} told />
        </>
      )}
    </section>
  );
}

/** Test pictures with their names, and what they were taken for. */
function Sheet({
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
  if (!rows)
    return (
      <p class="working" role="status">
        <span class="pulse" aria-hidden="true" /> Fetching the pictures…
      </p>
    );
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
