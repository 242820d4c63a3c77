/** Where downloaded data are kept. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/**
 * The folder for downloaded data: `$TRACT_DATA_DIR` if set; otherwise `tract-ts` in `%LOCALAPPDATA%` on Windows, in
 * `$XDG_CACHE_HOME` or `~/.cache` elsewhere. It need not exist.
 */
export function cacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const set = (name: string): string | undefined => environment[name] || undefined;
  const caches =
    platform === 'win32'
      ? (set('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'))
      : (set('XDG_CACHE_HOME') ?? join(home, '.cache'));
  return set('TRACT_DATA_DIR') ?? join(caches, 'tract-ts');
}
