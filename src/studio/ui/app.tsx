/** The page around its five steps. */
import { useEffect, useState } from 'preact/hooks';
import { Importing } from './add-pictures.js';
import { dropped } from './dropped.js';
import { EngineBadge } from './engine.js';
import { ModelPage } from './model-page.js';
import { PicturesPage } from './pictures-page.js';
import { run, status } from './run.js';
import { type Stage, attempt, problem, said, stage, stages, takeIn } from './state.js';
import { TakePage } from './take-page.js';
import { TrainPage } from './train-page.js';
import { TryPage } from './try-page.js';

const names: Readonly<Record<Stage, string>> = {
  pictures: 'Pictures',
  model: 'Model',
  train: 'Train',
  try: 'Try',
  take: 'Take away',
};

/** @param policed whether the workers are under the page's security policy, too */
export function App({ threads, policed }: { readonly threads: number; readonly policed: boolean }) {
  const over = useDrop();
  return (
    <>
      <a
        class="skip"
        href="#stage"
        onClick={(event) => {
          // Addresses with a # are those of the steps.
          event.preventDefault();
          document.getElementById('stage')?.focus();
        }}
      >
        To the content
      </a>
      <header class="top">
        <a class="brand" href="#pictures">
          <img src="icon.svg" alt="" width="28" height="28" /> tract-ts <b>Studio</b>
        </a>
        <p class="badges">
          <span
            class="badge"
            title={
              policed
                ? 'The page’s own security policy lets nothing be sent to anyone.'
                : 'The page sends nothing. Its security policy binds the page alone here, not its workers: this host does not send it, and there is no service worker to add it.'
            }
          >
            0 bytes uploaded
          </span>
          <EngineBadge threads={threads} />
        </p>
      </header>
      <Steps />
      <main id="stage" tabIndex={-1}>
        {problem.value !== null && (
          <div class="problem" role="alert">
            <p>{problem.value}</p>
            <button
              type="button"
              class="quiet"
              onClick={() => {
                problem.value = null;
              }}
            >
              Dismiss
            </button>
          </div>
        )}
        <Importing />
        {stage.value === 'pictures' && <PicturesPage />}
        {stage.value === 'model' && <ModelPage />}
        {stage.value === 'train' && <TrainPage />}
        {stage.value === 'try' && <TryPage />}
        {stage.value === 'take' && <TakePage />}
      </main>
      <p class="said" role="status">
        {said.value}
      </p>
      {over && (
        <div class="drop" aria-hidden="true">
          <p>
            {stage.value === 'model'
              ? 'Drop an .onnx file, weights, folders, pictures or a zip'
              : 'Drop folders, pictures, a zip or a model'}
          </p>
        </div>
      )}
    </>
  );
}

function Steps() {
  return (
    <nav class="steps" aria-label="Steps">
      <ol>
        {stages.map((one, i) => (
          <li key={one}>
            <a href={`#${one}`} aria-current={stage.value === one ? 'step' : undefined}>
              <span class="number" aria-hidden="true">
                {i + 1}
              </span>
              {names[one]}
              {one === 'train' && run.value && status.value === 'running' && (
                <span class="pulse" role="img" aria-label="running" />
              )}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** Takes in what is dropped anywhere on the page. @returns whether something is being held over it */
function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event) || event.defaultPrevented) return;
      event.preventDefault();
      setOver(false);
      void attempt(async () => {
        await takeIn(await dropped(event.dataTransfer!));
      });
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, []);
  return over;
}
