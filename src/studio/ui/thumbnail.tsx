/** A picture as it is kept, shown small, and read when it comes into view. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { KeptPicture } from '../pictures/catalog.js';
import { bytes } from './state.js';

export function Thumbnail({ picture, alt }: { readonly picture: KeptPicture; readonly alt: string }) {
  const [url, setUrl] = useState<string>();
  const place = useRef<HTMLImageElement>(null);
  const source = bytes.value;
  useEffect(() => {
    let made: string | undefined;
    let gone = false;
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting || made !== undefined) return;
      observer.disconnect();
      source
        .blobOf(picture)
        .then((blob) => {
          if (gone) return;
          made = URL.createObjectURL(blob);
          setUrl(made);
        })
        // What can no longer be read is said where it matters: when it is to be trained on.
        .catch(() => undefined);
    });
    observer.observe(place.current!);
    return () => {
      gone = true;
      observer.disconnect();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [picture.pack, picture.offset, source]);
  return <img ref={place} class="thumb" src={url} alt={alt} width="64" height="64" loading="lazy" />;
}

/** Pixels as a model has them. */
export function PixelTile({
  pixels,
  size,
  alt,
}: {
  /** uint8 [3, size, size] */
  readonly pixels: Uint8Array;
  readonly size: number;
  /** Empty for what only decorates. */
  readonly alt: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const image = new ImageData(size, size);
    const area = size * size;
    for (let i = 0; i < area; i++) {
      for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = pixels[channel * area + i];
      image.data[4 * i + 3] = 255;
    }
    canvas.current!.getContext('2d')!.putImageData(image, 0, 0);
  }, [pixels, size]);
  const named = alt === '' ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': alt };
  return <canvas ref={canvas} class="thumb" width={size} height={size} {...named} />;
}
