/** Pictures of the camera: as many as the button is held for. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Dialog, Problem } from './parts.js';
import { addFiles, count } from './state.js';

/** A picture every so many milliseconds. */
const EVERY = 100;
/** Of a picture, by its side. */
const SIDE = 224;

/** A camera in use. */
export interface Camera {
  readonly video: { readonly current: HTMLVideoElement | null };
  readonly ready: boolean;
  /** What went wrong with it, in a sentence. */
  readonly problem: string | undefined;
  /** All that there are, as soon as one may be used. */
  readonly cameras: readonly MediaDeviceInfo[];
  /** The one that is used, by its id. */
  readonly used: string | undefined;
  readonly use: (id: string) => void;
}

/** The camera, as long as it is wanted. */
export function useCamera(): Camera {
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [cameras, setCameras] = useState<readonly MediaDeviceInfo[]>([]);
  const [wanted, setWanted] = useState<string>();
  const [used, setUsed] = useState<string>();
  useEffect(() => {
    let stream: MediaStream | undefined;
    let gone = false;
    const begin = async (): Promise<void> => {
      try {
        // Declared as if it were everywhere.
        const { mediaDevices } = navigator as { readonly mediaDevices?: MediaDevices };
        if (!mediaDevices) throw new DOMException('', 'SecurityError');
        stream = await mediaDevices.getUserMedia({
          video: {
            width: 640,
            height: 480,
            // Of a phone's the one that looks away from its user, unless another is chosen.
            ...(wanted === undefined ? { facingMode: 'environment' } : { deviceId: { exact: wanted } }),
          },
        });
        if (gone) {
          stop(stream);
          return;
        }
        video.current!.srcObject = stream;
        await video.current!.play();
        setReady(true);
        setUsed(stream.getVideoTracks()[0].getSettings().deviceId);
        // Names and ids are told once a camera may be used.
        const devices = await mediaDevices.enumerateDevices();
        setCameras(devices.filter(({ kind }) => kind === 'videoinput'));
      } catch (error) {
        if (!gone) setProblem(reasonOf(error));
      }
    };
    void begin();
    return () => {
      gone = true;
      setReady(false);
      stop(stream);
    };
  }, [wanted]);
  return { video, ready, problem, cameras, used, use: setWanted };
}

/** Which of several cameras is used; nothing where there is one. */
export function CameraChoice({ cameras, used, use }: Camera) {
  if (cameras.length < 2) return null;
  return (
    <select
      aria-label="Camera"
      value={used}
      onChange={({ currentTarget }) => {
        use(currentTarget.value);
      }}
    >
      {cameras.map(({ deviceId, label }, i) => (
        <option key={deviceId} value={deviceId} selected={deviceId === used}>
          {label || `Camera ${i + 1}`}
        </option>
      ))}
    </select>
  );
}

function stop(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function reasonOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError')
    return 'The browser does not let this page use the camera. Allow it in the address bar, and try again.';
  if (name === 'NotFoundError') return 'There is no camera here. Plug one in, or add files instead.';
  if (name === 'NotReadableError') return 'Another program has the camera. Close it, and try again.';
  return 'The camera cannot be used: it takes a page from https or from localhost.';
}

/** The middle of what the camera sees. */
export function grab(video: HTMLVideoElement, side = SIDE): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side;
  const square = Math.min(video.videoWidth, video.videoHeight);
  const [x, y] = [(video.videoWidth - square) / 2, (video.videoHeight - square) / 2];
  canvas.getContext('2d')!.drawImage(video, x, y, square, square, 0, 0, side, side);
  return canvas;
}

export function Webcam({ className, onClose }: { readonly className: string; readonly onClose: () => void }) {
  const camera = useCamera();
  const { video, ready, problem } = camera;
  const [taken, setTaken] = useState(0);
  const timer = useRef<ReturnType<typeof setInterval> | undefined>(undefined);
  const files = useRef<File[]>([]);

  const begin = (): void => {
    if (timer.current !== undefined) return;
    const take = (): void => {
      grab(video.current!).toBlob(
        (blob) => {
          if (!blob) return;
          files.current.push(new File([blob], `webcam-${Date.now()}-${files.current.length}.jpg`));
          setTaken((before) => before + 1);
        },
        'image/jpeg',
        0.92,
      );
    };
    take();
    timer.current = setInterval(take, EVERY);
  };
  const end = (): void => {
    if (timer.current === undefined) return;
    clearInterval(timer.current);
    timer.current = undefined;
    // The last one is still being encoded.
    setTimeout(() => {
      const some = files.current.splice(0);
      void addFiles(
        some.map((file) => ({ path: file.name, file })),
        { into: className, forced: true },
      );
    }, EVERY);
  };
  useEffect(() => end, []);

  return (
    <Dialog title={`Webcam: ${className}`} onClose={onClose}>
      {problem === undefined ? (
        <div class="camera">
          <video ref={video} muted playsInline aria-label="What the camera sees" />
          <CameraChoice {...camera} />
          <button
            type="button"
            class="primary large"
            disabled={!ready}
            onPointerDown={begin}
            onPointerUp={end}
            onPointerLeave={end}
            onPointerCancel={end}
            onKeyDown={(event) => {
              if (event.key === ' ' || event.key === 'Enter') {
                event.preventDefault();
                begin();
              }
            }}
            onKeyUp={end}
            onBlur={end}
          >
            {ready ? 'Hold to record' : 'Waiting for the camera…'}
          </button>
          <p aria-live="polite">{count(taken, 'picture')} recorded</p>
        </div>
      ) : (
        <Problem>{problem}</Problem>
      )}
    </Dialog>
  );
}
