/** The fifth step: what was learned, to be used elsewhere. */
import { useState } from 'preact/hooks';
import { methodNames } from '../settings.js';
import { chosen } from './dropped.js';
import { FileButton, download } from './parts.js';
import { reportOf } from './report.js';
import { type RunView, doing, run, step } from './run.js';
import { attempt, openRun, workers } from './state.js';
import { LaneChoice, usualLane } from './try-page.js';

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
  const [chosenLane, setLane] = useState(usualLane(view));
  // A run that is opened may have one alone.
  const lane = Math.min(chosenLane, view.lanes.length - 1);
  const [busy, setBusy] = useState<string | null>(null);
  const { method } = view.lanes[lane];
  const { training } = workers();
  const take = (what: string, work: () => Promise<void>): void => {
    setBusy(what);
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
        <article class="card start">
          <h2>The run</h2>
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
          <button
            type="button"
            class="primary"
            disabled={busy !== null}
            onClick={() => {
              take('run', async () => {
                download(await training.takeRun(lane), `studio-${method}.zip`);
              });
            }}
          >
            {busy === 'run' ? (doing.value ?? 'Packing the run…') : 'Save the run'}
          </button>
        </article>
        <article class="card start">
          <h2>The model</h2>
          <p class="muted">
            An .onnx file for ONNX Runtime in any language: pixels in, logits out, for any number of pictures.
            Standardisation is inside, class names are in its metadata.
          </p>
          <button
            type="button"
            class="primary"
            disabled={busy !== null}
            onClick={() => {
              take('model', async () => {
                const bytes = await training.takeModel(lane);
                download(new Blob([bytes as Uint8Array<ArrayBuffer>]), `studio-${method}.onnx`);
              });
            }}
          >
            {busy === 'model' ? 'Writing the model…' : 'Save the model'}
          </button>
        </article>
        {view.spec.data.kind !== 'none' && (
          <article class="card start">
            <h2>The report</h2>
            <p class="muted">
              One HTML file to show around: the curves, the figures class by class, the confusion matrix, and
              the worst mistakes of {name}.
            </p>
            <button
              type="button"
              class="primary"
              disabled={busy !== null}
              onClick={() => {
                take('report', async () => {
                  const result = await training.test(lane);
                  download(
                    new Blob([await reportOf(view, lane, result)], { type: 'text/html' }),
                    'report.html',
                  );
                });
              }}
            >
              {busy === 'report' ? 'Writing the report…' : 'Save the report'}
            </button>
          </article>
        )}
      </div>
    </>
  );
}
