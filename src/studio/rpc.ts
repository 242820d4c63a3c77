/** Calls from the page to its workers, and what workers tell on their way. */

/** What a worker does for the page, by name. */
export type Calls<Handlers> = {
  readonly [Name in keyof Handlers]: Handlers[Name] extends (...parameters: infer Parameters) => infer Result
    ? (...parameters: Parameters) => Promise<Awaited<Result>>
    : never;
};

interface Call {
  readonly id: number;
  readonly name: string;
  readonly parameters: readonly unknown[];
}

type Answer =
  | { readonly ready: true }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: string }
  | { readonly told: unknown };

/** The end of the line that a worker has. */
interface Port {
  onmessage: ((event: MessageEvent<Call>) => void) | null;
  postMessage(message: Answer): void;
}

/** In a worker: answers calls, several at a time; what a handler throws becomes the message of an error in the page. */
export function serve(handlers: object): void {
  const port = self as unknown as Port;
  const byName = handlers as Record<string, (...parameters: readonly unknown[]) => unknown>;
  port.onmessage = ({ data: { id, name, parameters } }) => {
    void (async () => {
      try {
        port.postMessage({ id, result: await byName[name](...parameters) });
      } catch (error) {
        port.postMessage({ id, failure: messageOf(error) });
      }
    })();
  };
  port.postMessage({ ready: true });
}

/** In a worker: tells the page something that it did not ask for. */
export function tell(told: unknown): void {
  (self as unknown as Port).postMessage({ told });
}

/**
 * In the page: a worker as functions. Calls wait until it answers: a module that awaits what it imports, as ONNX Runtime is
 * imported, hears nothing of what it is sent before.
 *
 * @param onTold called with what it tells unasked
 */
export function callsOf<Handlers>(worker: Worker, onTold: (told: unknown) => void): Calls<Handlers> {
  let last = 0;
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let early: Call[] | undefined = [];
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if ('ready' in data) {
      early?.forEach((call) => {
        worker.postMessage(call);
      });
      early = undefined;
      return;
    }
    if ('told' in data) {
      onTold(data.told);
      return;
    }
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ('failure' in data) call?.reject(new Error(data.failure));
    else call?.resolve(data.result);
  };
  worker.onerror = ({ message }) => {
    for (const { reject } of waiting.values())
      reject(
        new Error(`A worker of the page has failed (${message}). Reload the page; what was saved is kept.`),
      );
    waiting.clear();
  };
  const call =
    (name: string) =>
    (...parameters: readonly unknown[]): Promise<unknown> => {
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const message: Call = { id, name, parameters };
        if (early) early.push(message);
        else worker.postMessage(message);
      });
    };
  return new Proxy({}, { get: (_, name) => call(String(name)) }) as Calls<Handlers>;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
