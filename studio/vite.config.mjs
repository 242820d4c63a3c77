// Builds the Studio's page from the compiled modules in dist/studio into dist/studio/page: static files that need no server
// of their own, with addresses relative to the page, so that they work below any path.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { policyIn } from '../dist/cli/studio-policy.js';

const root = fileURLToPath(new URL('.', import.meta.url));

/** The service worker answers with the page's own policy. */
const isolation = {
  name: 'isolation',
  generateBundle() {
    const policy = policyIn(readFileSync(join(root, 'index.html'), 'utf8'));
    if (policy === undefined) throw new Error('index.html has no content security policy');
    const source = readFileSync(join(root, 'isolation.js'), 'utf8').replace("'__POLICY__'", () =>
      JSON.stringify(policy),
    );
    this.emitFile({ type: 'asset', fileName: 'isolation.js', source });
  },
};

export default {
  root,
  base: './',
  publicDir: join(root, 'static'),
  logLevel: 'warn',
  plugins: [isolation],
  build: {
    outDir: join(root, '../dist/studio/page'),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
  worker: { format: 'es' },
};
