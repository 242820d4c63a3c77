/** `tract studio`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Interruption } from './interruption.js';
import { serveStudio, studioFolder } from './studio-server.js';
import { note, print } from './terminal.js';

export interface StudioFlags {
  readonly port: number;
  readonly open: boolean;
}

/** Pictures and runs belong to the address, port included: it stays the same from start to start. */
export const STUDIO_PORT = 7280;

/** Serves the page until Ctrl-C. */
export async function studio({ port, open }: StudioFlags): Promise<void> {
  const server = await serveStudio(studioFolder(), port);
  const interruption = new Interruption(() => undefined);
  try {
    print(server.url);
    note(
      'The Studio runs in your browser at this address. Ctrl-C ends it; what it keeps stays in the browser.',
    );
    if (open) openInBrowser(server.url);
    if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
  } finally {
    interruption.close();
    await server.close();
  }
}

/** Where there is no browser to open, the address is on the terminal. */
function openInBrowser(url: string): void {
  const [program, ...parameters] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[
    process.platform as string
  ] ?? ['xdg-open'];
  const opener = spawn(program, [...parameters, url], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
