/** What the page of `npm run engines` can do, as Playwright calls it: bytes travel as base64. */
import { adapterName } from '../../engine/device.js';
import { runGradients, type GradientOutcome } from './gradient-run.js';
import { watchOvertaking } from './overtaking.js';
import { type TrainingRequest, trainSteps } from './training.js';

export interface EnginePage {
  train(request: TrainingRequest): Promise<PageSteps>;
  gradients(
    runs: readonly { readonly bytes: string; readonly feeds: Feeds }[],
    provider: string,
  ): Promise<GradientOutcome[]>;
  /** What the browser says of its GPU; undefined where it has none. */
  adapter(): Promise<string | undefined>;
}

type Feeds = Parameters<typeof runGradients>[0]['feeds'];

export interface PageSteps {
  readonly losses: readonly number[];
  readonly gradients: string;
  readonly weights: string;
  readonly location: string;
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(text);
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

export const page: EnginePage = {
  async train(request) {
    const { losses, gradients, weights, location } = await trainSteps(request);
    return { losses, location, gradients: toBase64(gradients), weights: toBase64(weights) };
  },
  async gradients(runs, provider) {
    const overtaken = provider === 'webgpu' ? watchOvertaking() : () => 0;
    const outcomes: GradientOutcome[] = [];
    for (const { bytes, feeds } of runs) {
      const outcome = await runGradients({ bytes: fromBase64(bytes), feeds }, provider);
      const copies = overtaken();
      outcomes.push(typeof outcome === 'string' ? outcome : { ...outcome, overtaken: copies });
    }
    return outcomes;
  },
  adapter: adapterName,
};
