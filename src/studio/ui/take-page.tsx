/** The fifth step: what was learned, to be used elsewhere. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { methodNames } from '../settings.js';
import { chosen } from './dropped.js';
import { LaneChoice, useLane } from './lanes.js';
import { FileButton, download } from './parts.js';
import { reportOf } from './report.js';
import { type RunView, doing, run, step } from './run.js';
import { attempt, openRun, workers } from './state.js';

export function TakePage() {
  const view = run.value;
  return (
    <>
      <h1>Take away</h1>
      <p class="lead">What was learned here is yours, in files that other tools read.</p>
      {view && (step.value > 0 || view.spec.data.kind === 'none') && <Takeable view={view} />}
      <section class="card">
        <h2>Open a run</h2>
        <p class="muted">
          A zip that was taken away here, or the folder of a run of the command <code>tract</code>. It takes
          the place of the run that is here now.
        </p>
        <div class="buttons">
          <FileButton accept=".zip" onFiles={(files) => void openRun(chosen(files))}>
            Choose a zip
          </FileButton>
          <FileButton folder onFiles={(files) => void openRun(chosen(files))}>
            Choose a folder
          </FileButton>
        </div>
      </section>
    </>
  );
}

function Takeable({ view }: { readonly view: RunView }) {
  const [lane, setLane] = useLane(view);
  const [busy, setBusy] = useState<string | null>(null);
  const { method } = view.lanes[lane];
  const { training } = workers();
  const take = (title: string, work: () => Promise<void>): void => {
    setBusy(title);
    void attempt(work).finally(() => {
      setBusy(null);
    });
  };
  const name = methodNames[method];
  const own = view.spec.data.kind === 'pictures';
  return (
    <>
      <LaneChoice view={view} lane={lane} onChange={setLane} />
      <div class="starts">
        <Takeaway
          what="run"
          busy={busy}
          doing={doing.value ?? 'Packing the run…'}
          onTake={take}
          work={async () => {
            download(await training.takeRun(lane), `studio-${method}.zip`);
          }}
        >
          <p class="muted">
            A zip of its folder: the weights under PyTorch’s names, the optimizer’s state, all metrics
            {own && ', and the pictures'}. Unpack it, and the command goes on where this page stopped:
          </p>
          <pre>
            <code>
              tract train --resume studio-{method}
              {'\n'}tract eval studio-{method}
              {'\n'}tract predict studio-{method} photo.jpg
            </code>
          </pre>
        </Takeaway>
        <Takeaway
          what="model"
          busy={busy}
          doing="Writing the model…"
          onTake={take}
          work={async () => {
            const bytes = await training.takeModel(lane);
            download(new Blob([bytes as Uint8Array<ArrayBuffer>]), `studio-${method}.onnx`);
          }}
        >
          <p class="muted">
            An .onnx file for ONNX Runtime in any language: decoded pictures of any size in (bytes, red, green
            and blue one plane each), logits out. Scaling and standardisation are inside, class names are in
            its metadata.
          </p>
        </Takeaway>
        {view.spec.data.kind !== 'none' && (
          <Takeaway
            what="report"
            busy={busy}
            doing="Writing the report…"
            onTake={take}
            work={async () => {
              const result = await training.test(lane);
              const page = await reportOf(view, lane, result);
              download(new Blob([page], { type: 'text/html' }), 'report.html');
            }}
          >
            <p class="muted">
              One HTML file to show around: the curves, the figures class by class, the confusion matrix, and
              the worst mistakes of {name}.
            </p>
          </Takeaway>
        )}
      </div>
    </>
  );
}

/** Something to be saved, with a word about it. One at a time is made. */
function Takeaway({
  what,
  busy,
  doing: making,
  onTake,
  work,
  children,
}: {
  readonly what: string;
  /** What is being made. */
  readonly busy: string | null;
  readonly doing: string;
  readonly onTake: (what: string, work: () => Promise<void>) => void;
  readonly work: () => Promise<void>;
  readonly children: ComponentChildren;
}) {
  return (
    <article class="card start">
      <h2>The {what}</h2>
      {children}
      <button
        type="button"
        class="primary"
        disabled={busy !== null}
        onClick={() => {
          onTake(what, work);
        }}
      >
        {busy === what ? making : `Save the ${what}`}
      </button>
    </article>
  );
}
