/** onnxruntime-node, which whoever computes in Node installs beside this package; or what to do where it is missing. */
import type * as Runtime from 'onnxruntime-node';

async function load(): Promise<typeof Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'tract-ts computes in Node with onnxruntime-node, which is not installed: npm install onnxruntime-node',
      { cause: error },
    );
  }
}

export const runtime: typeof Runtime = await load();

/** The build that has an execution provider: here one has all of them. */
export const runtimeFor: (provider: string) => Promise<typeof Runtime> = () => Promise.resolve(runtime);
