/** The app under test: the real Electron, a fresh home, and the memory engine or a real Docker. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, expect, test as base, type ElectronApplication, type Page } from '@playwright/test';

const projectRoot = join(__dirname, '..', '..');

export type EngineChoice = 'memory' | 'docker';

export interface CliAnswer {
  code: number;
  stdout: string;
  stderr: string;
}

/** One running app. */
export interface Pilothouse {
  app: ElectronApplication;
  page: Page;
  home: string;
  /** Runs the command line against this app. */
  cli(...words: string[]): Promise<CliAnswer>;
  /** Goes to a route of the window, such as `/services`. */
  go(route: string): Promise<void>;
  /** Starts the app anew on the same home, after it has quit. The fields of this very object then belong to the new one. */
  reopen(): Promise<Pilothouse>;
  close(): Promise<void>;
}

export interface LaunchOptions {
  engine: EngineChoice;
  args?: string[];
  home?: string;
  /** Leaves the welcome in its place. */
  firstRun?: boolean;
  environment?: Record<string, string>;
}

/** Starts the app and waits for its frame. */
export async function launch(options: LaunchOptions): Promise<Pilothouse> {
  // Loaded here and not above: Playwright turns static imports of these modules into something Node cannot run.
  const { electronRuntime } = await import('../machine/electron.mjs');
  const { isLinuxRoot } = await import('../machine/processes.mjs');
  const runtime = electronRuntime();
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'pilothouse-e2e-'));
  const environment: Record<string, string> = {
    ...(process.env as Record<string, string>),
    PILOTHOUSE_HOME: home,
    ...(options.engine === 'memory' ? { PILOTHOUSE_ENGINE: 'memory' } : {}),
    ...(isLinuxRoot() ? { PILOTHOUSE_ALLOW_ROOT: '1' } : {}),
    ...options.environment,
  };
  delete environment['PILOTHOUSE_SCREENSHOTS'];
  delete environment['ELECTRON_RUN_AS_NODE'];
  const app = await _electron.launch({
    executablePath: runtime.path,
    args: [...runtime.appArguments, ...runtime.switches, '--disable-gpu', ...(options.args ?? [])],
    cwd: projectRoot,
    env: environment,
    timeout: 60_000,
  });
  const page = await app.firstWindow();
  await page.waitForSelector('#app > *', { timeout: 30_000 });
  const cli = (...words: string[]): Promise<CliAnswer> =>
    new Promise((resolve) => {
      const program = join(projectRoot, 'out', 'main', 'cli.js');
      const child = execFile(
        process.execPath,
        [program, ...words],
        { env: { ...process.env, PILOTHOUSE_HOME: home }, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? 1, stdout, stderr }),
      );
    });
  if (!options.firstRun)
    await page
      .getByTestId('skip-welcome')
      .click({ timeout: 15_000 })
      .catch(() => undefined);
  const running: Pilothouse = {
    app,
    page,
    home,
    cli,
    go: async (route) => {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, `#${route}`);
    },
    reopen: async () => {
      const next = await launch({ ...options, home, firstRun: true });
      Object.assign(running, { app: next.app, page: next.page, go: next.go });
      return running;
    },
    close: async () => {
      await running.app.close();
      if (!options.home) rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  return running;
}

/** What the app's own logs say, for failures. */
export function logsOf(home: string): string {
  return ['pilothouse', 'window']
    .map((name) => {
      try {
        return readFileSync(join(home, 'logs', `${name}.log`), 'utf8');
      } catch {
        return '';
      }
    })
    .join('');
}

interface Fixtures {
  pilothouse: Pilothouse;
  record: void;
}
interface Shared {
  appOptions: LaunchOptions;
  keeper: { appOf(file: string): Promise<Pilothouse> };
}

/** A test with one app of its own for the whole file. Choose the engine with `test.use({ appOptions })`. */
export const test = base.extend<Fixtures, Shared>({
  appOptions: [{ engine: 'memory' }, { option: true, scope: 'worker' }],
  // Playwright hands a worker from file to file as long as their options are the same; what one left behind is not for the next.
  keeper: [
    async ({ appOptions }, use) => {
      let kept: { file: string; app: Pilothouse } | undefined;
      await use({
        async appOf(file) {
          if (kept?.file === file) return kept.app;
          await kept?.app.close();
          kept = undefined;
          kept = { file, app: await launch(appOptions) };
          return kept.app;
        },
      });
      await kept?.app.close();
    },
    { scope: 'worker' },
  ],
  pilothouse: async ({ keeper }, use, info) => use(await keeper.appOf(info.file)),
  /** What the app said, beside a failure. */
  record: [
    async ({ pilothouse }, use, info) => {
      await use();
      if (info.status !== info.expectedStatus)
        await info.attach('log', { body: logsOf(pilothouse.home), contentType: 'text/plain' });
    },
    { auto: true },
  ],
});

export { expect };
