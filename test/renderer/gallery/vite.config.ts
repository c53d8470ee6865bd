import { resolve } from 'node:path';
import vue from '@vitejs/plugin-vue';
import Icons from 'unplugin-icons/vite';
import { defineConfig } from 'vite';

/** The gallery of parts, for looking at them beside the mock: `npx vite build -c test/renderer/gallery/vite.config.ts`. Never shipped. */
export default defineConfig({
  root: resolve('test/renderer/gallery'),
  base: './',
  plugins: [vue(), Icons({ compiler: 'vue3' })],
  server: { fs: { allow: [resolve('.')] } },
  build: {
    outDir: resolve('test-results/gallery'),
    emptyOutDir: true,
    target: 'chrome114',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 3000,
    reportCompressedSize: false,
  },
});
