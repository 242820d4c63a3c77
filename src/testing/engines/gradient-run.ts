/** The gradients of small graphs, computed on any engine: the code runs in Node and in a page. */
import { Program } from '../../engine/session.js';
import { type DType, type Shape, toNumbers, tensor } from '../../tensor/tensor.js';

/** A lowered graph whose outputs are `gradient0`, …, and what to feed it. */
export interface GradientRun {
  /** The bytes of an `.onnx` file. */
  readonly bytes: Uint8Array;
  readonly feeds: Readonly<
    Record<string, { readonly dtype: DType; readonly shape: Shape; readonly data: readonly number[] }>
  >;
}

/** The gradient of each input, or why there is none. */
export type GradientOutcome =
  | {
      readonly gradients: readonly (readonly number[])[];
      /** Copies to the GPU that overtook a kernel (`overtaking.ts`). */
      readonly overtaken?: number;
    }
  | string;

export async function runGradients(
  { bytes, feeds }: GradientRun,
  provider: string,
): Promise<GradientOutcome> {
  try {
    const program = await Program.load(bytes, { provider, threads: 1 });
    try {
      const results = await program.run(
        Object.fromEntries(
          Object.entries(feeds).map(([name, { dtype, shape, data }]) => [name, tensor(dtype, shape, data)]),
        ),
      );
      return { gradients: Object.keys(feeds).map((_, i) => toNumbers(results[`gradient${i}`])) };
    } finally {
      await program.release();
    }
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0];
  }
}
