import vue from '@vitejs/plugin-vue';
import icons from 'unplugin-icons/vite';
import { defineConfig } from 'vitest/config';

/**
 * Five kinds of tests by what they need: `main` and `architecture` need nothing, `renderer` a pretended DOM, `slow`
 * (`*.slow.test.ts`) patience, `docker` a real engine. The last two run only when asked for, as `npm test` does:
 * `npx vitest run --project docker`.
 */
function isAskedFor(project: string): boolean {
  return process.argv.some(
    (word, at) => word === `--project=${project}` || (word === project && process.argv[at - 1] === '--project'),
  );
}

const slowTests = 'test/**/*.slow.test.ts';

/** Worker processes; tests compete for few cores with the engine and the window. */
const maxWorkers = 2;

export default defineConfig({
  test: {
    maxWorkers,
    projects: [
      {
        test: {
          name: 'main',
          environment: 'node',
          exclude: [slowTests],
          include: [
            'test/main/**/*.test.ts',
            'test/scenarios/**/*.test.ts',
            'test/support/**/*.test.ts',
            'test/machine/**/*.test.ts',
          ],
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [vue(), icons({ compiler: 'vue3' })],
        define: { __INTLIFY_JIT_COMPILATION__: true, __INTLIFY_DROP_MESSAGE_COMPILER__: false },
        test: {
          name: 'renderer',
          environment: 'happy-dom',
          include: ['test/renderer/**/*.test.ts'],
          testTimeout: 90_000,
          hookTimeout: 60_000,
          server: { deps: { inline: ['element-plus', 'vue-echarts'] } },
        },
      },
      {
        test: {
          name: 'architecture',
          environment: 'node',
          include: ['test/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      ...(isAskedFor('slow')
        ? [
            {
              test: {
                name: 'slow',
                environment: 'node' as const,
                include: [slowTests],
                exclude: ['test/docker/**', 'test/e2e/**', 'test/bench/**'],
                // They run beside the tests on an engine, which go first.
                testTimeout: 600_000,
                hookTimeout: 120_000,
              },
            },
          ]
        : []),
      ...(isAskedFor('docker')
        ? [
            {
              test: {
                name: 'docker',
                environment: 'node' as const,
                include: ['test/docker/**/*.test.ts'],
                globalSetup: ['test/support/engine-setup.ts'],
                setupFiles: ['test/support/engine-file.ts'],
                fileParallelism: false,
                testTimeout: 120_000,
                hookTimeout: 120_000,
              },
            },
          ]
        : []),
    ],
  },
});
