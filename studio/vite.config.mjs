// Builds the Studio's page from the compiled modules in dist/studio into dist/studio/page: static files that need no server
// of their own, with addresses relative to the page, so that they work below any path.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));

export default {
  root,
  base: './',
  publicDir: join(root, 'static'),
  logLevel: 'warn',
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
