// Builds the Studio's page from the compiled modules in dist/studio into dist/studio/page: static files that need no server
// of their own, with addresses relative to the page, so that they work below any path.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const runtime = join(root, '../node_modules/onnxruntime-web/dist');

/** ONNX Runtime looks for its WebAssembly beside the script that it is bundled into. */
const wasmFiles = ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

export default {
  root,
  base: './',
  publicDir: join(root, 'static'),
  logLevel: 'warn',
  // The part of ONNX Runtime without WebGPU, and its WebAssembly as files of their own.
  resolve: {
    alias: [{ find: /^onnxruntime-web$/, replacement: join(runtime, 'ort.wasm.min.mjs') }],
  },
  build: {
    outDir: join(root, '../dist/studio/page'),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
  worker: { format: 'es' },
  plugins: [
    {
      name: 'onnxruntime-wasm',
      generateBundle() {
        for (const name of wasmFiles)
          this.emitFile({
            type: 'asset',
            fileName: `assets/${name}`,
            source: readFileSync(join(runtime, name)),
          });
      },
    },
  ],
};
