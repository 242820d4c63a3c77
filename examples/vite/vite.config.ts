import { defineConfig } from 'vite';

// Threads need these; without them training runs on one.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './',
  server: { headers },
  preview: { headers },
  // ONNX Runtime looks for its WebAssembly beside its own file, which must stay where it is.
  optimizeDeps: { exclude: ['tract-ts', 'onnxruntime-web'] },
});
