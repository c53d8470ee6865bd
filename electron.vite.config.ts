import { resolve } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import Icons from 'unplugin-icons/vite';
import type { Plugin } from 'vite';

/**
 * Main and preload are CommonJS with every pure-JavaScript library bundled in, because older Electron cannot `require` ESM-only
 * packages. Only Electron itself and native addons stay outside. The targets are the oldest runtimes that must work.
 */
const nodeTarget = 'node18.15';
const chromeTarget = 'chrome114';

/** Native addons, and optional ones that ssh2 (a part of dockerode) tries to load and does without. */
const outside = ['electron', '@photostructure/sqlite', 'cpu-features', /\.node$/];

/**
 * What dockerode loads although few start with it: BuildKit's sessions (gRPC) and ssh, each at its first call instead. Together they
 * are most of what the engine's part costs at every start.
 */
const atFirstCall: Record<string, string> = {
  'dockerode/lib/docker.js': './session',
  'docker-modem/lib/modem.js': './ssh',
};
function loadAtFirstCall(): Plugin {
  return {
    name: 'load-at-first-call',
    transform: {
      filter: { id: /\/(dockerode|docker-modem)\/lib\/(docker|modem)\.js$/ },
      handler(code, id) {
        const [, path = ''] = Object.entries(atFirstCall).find(([file]) => id.endsWith(file)) ?? [];
        const eager = `= require('${path}'),`;
        // A new version that is written otherwise must be looked at, not bundled slow in silence.
        if (!code.includes(eager)) return this.error(`${id} does not load ${path} as it did`);
        return { code: code.replace(eager, `= (...given) => require('${path}')(...given),`), map: null };
      },
    },
  };
}

export default defineConfig({
  main: {
    plugins: [loadAtFirstCall()],
    build: {
      externalizeDeps: false,
      outDir: 'out/main',
      target: nodeTarget,
      minify: false,
      sourcemap: false,
      reportCompressedSize: false,
      rolldownOptions: {
        external: outside,
        input: {
          main: resolve('src-main/shell/main.ts'),
          cli: resolve('src-main/cli/main.ts'),
          logWorker: resolve('src-main/app/logWorker.ts'),
        },
        output: { format: 'cjs', entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      outDir: 'out/preload',
      target: nodeTarget,
      minify: false,
      reportCompressedSize: false,
      rolldownOptions: {
        external: ['electron'],
        input: { preload: resolve('src-main/shell/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].js' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    plugins: [vue(), Icons({ compiler: 'vue3' })],
    server: { fs: { allow: [resolve('.')] } },
    define: {
      // Strict CSP: vue-i18n interprets messages instead of compiling them with `new Function`.
      __VUE_I18N_FULL_INSTALL__: false,
      __VUE_I18N_LEGACY_API__: false,
      __INTLIFY_PROD_DEVTOOLS__: false,
      __INTLIFY_JIT_COMPILATION__: true,
      __VUE_OPTIONS_API__: true,
      __VUE_PROD_DEVTOOLS__: false,
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    },
    build: {
      outDir: 'out/renderer',
      target: chromeTarget,
      reportCompressedSize: false,
      // Everything comes from the app's own files; an inlined font or image would only slow the first parse.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 2000,
      rolldownOptions: { input: resolve('src-renderer/index.html') },
    },
  },
});
