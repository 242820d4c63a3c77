/** How this command was called, for hints that can be copied. */
import { basename, relative } from 'node:path';
import { shellWord } from './format.js';

/** `tract`, or `node dist/cli/main.js` where the script was started by hand. */
export function commandName(): string {
  const script = process.argv[1] ?? 'tract';
  if (process.env.npm_command === 'exec') return 'npx tract';
  return basename(script) === 'main.js' ? `node ${shellWord(relative('.', script))}` : 'tract';
}
