import { defineConfig } from '@playwright/test';

/** One window at a time: they share the engine, the processor and the display. */
export default defineConfig({
  testDir: '.',
  outputDir: '../../test-results/e2e',
  globalSetup: './setup.ts',
  workers: 1,
  fullyParallel: false,
  forbidOnly: process.env['CI'] !== undefined,
  timeout: 90_000,
  // A shared machine may stall a window for longer than any patience; a second failure is a failure.
  retries: process.env['CI'] === undefined ? 0 : 1,
  expect: { timeout: 15_000 },
  reporter: [['list']],
});
