/** A picture, or what the webcam sees, and what it is taken for. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Guess } from '../training/evaluation.js';
import { FileButton, Problem, duration, percent } from './parts.js';
import { attempt, onDropped, workers } from './state.js';
import { CameraChoice, grab, useCamera } from './webcam.js';

export function Guessing({ lane }: { readonly lane: number }) {
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
  const camera = useCamera();
  const { video, ready, problem } = camera;
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
        <Problem>{problem}</Problem>
      )}
      <CameraChoice {...camera} />
      <button type="button" onClick={onEnd}>
        Stop the webcam
      </button>
    </div>
  );
}
