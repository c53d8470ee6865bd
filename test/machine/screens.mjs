/**
 * `npm run screens`: a picture of every screen in both themes, both languages and two widths, from the real window with real
 * containers, into docs/screens. Where no Docker engine is possible, the built-in tour engine stands in, which is said.
 *
 *   npm run screens                       all of them
 *   npm run screens -- overview logs      only these screens
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './ask.mjs';
import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { hasDisplay, startDisplay } from './display.mjs';
import { ensureElectron } from './electron.mjs';
import { startPrivateEngine, whyNoPrivateEngine } from './engine.mjs';
import { projectRoot, say } from './place.mjs';
import { capture, isLinuxRoot } from './processes.mjs';
import { shrinkPng } from './png.mjs';
import { languages, screenList, themes } from './screen-list.mjs';

const sizes = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
];
/** Charts and sparklines want some history before they are worth a look, milliseconds. */
const history = 150_000;

const require = createRequire(import.meta.url);

/** @param {number} time @returns {Promise<void>} */
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/**
 * Brings the stacks into the state the pictures show: a healthy one that was scaled and updated, and one in trouble.
 * @param {string} home
 */
function bringStacks(home) {
  const cli = (/** @type {string[]} */ ...words) =>
    capture(process.execPath, [join(projectRoot, 'out', 'main', 'cli.js'), ...words], {
      env: { ...process.env, PILOTHOUSE_HOME: home },
      timeoutMs: 240_000,
    });
  const sample = (/** @type {string} */ name) => join(projectRoot, 'resources', 'samples', name, 'compose.yaml');
  const up = cli('up', '-f', sample('demo'), '--wait', '--timeout', '3m');
  if (up.code !== 0) throw new Error(`The sample stack did not become ready: ${up.stderr}`);
  cli('up', '-f', sample('trouble'));
  cli('up', '-f', sample('batch'));
  cli('scale', 'demo/api=3', '--wait');
  cli('restart', 'demo/worker', '--wait');
}

async function main() {
  const only = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  await ensureDependencies();
  const electron = await ensureElectron();
  await ensureBuild();
  const home = mkdtempSync(join(tmpdir(), 'pilothouse-screens-'));
  const display = !hasDisplay() && process.platform === 'linux' ? await startDisplay() : undefined;
  const why = whyNoPrivateEngine();
  if (why) say(`! ${why} The pictures show the tour engine.`);
  const engine = why ? undefined : await startPrivateEngine({ name: `screens-${process.pid}` });
  const { _electron } = /** @type {typeof import('@playwright/test')} */ (require('@playwright/test'));
  const app = await _electron.launch({
    executablePath: electron.path,
    args: [...electron.appArguments, ...electron.switches, '--disable-gpu', '--force-device-scale-factor=1'],
    cwd: projectRoot,
    env: /** @type {Record<string, string>} */ ({
      ...process.env,
      PILOTHOUSE_HOME: home,
      ...(display ? { DISPLAY: display.display } : {}),
      ...(engine ? { DOCKER_HOST: engine.dockerHost } : { PILOTHOUSE_ENGINE: 'memory' }),
      ...(isLinuxRoot() ? { PILOTHOUSE_ALLOW_ROOT: '1' } : {}),
    }),
  });
  try {
    const page = await app.firstWindow();
    await page.waitForSelector('#app > *');
    const socket = join(home, 'socket');
    await ask(socket, 'settings.set', { firstRunDone: true, language: 'en', theme: 'dark' });
    // Five minutes are what will have happened: charts over more would be mostly empty.
    await page.evaluate(`localStorage.setItem('pilothouse.ui', '{"rangeId":"5m"}')`);
    await page.reload();
    say('• bringing the stacks up …');
    bringStacks(home);
    say(`• letting ${history / 1000} s of history pass …`);
    await sleep(history);
    const folder = join(projectRoot, 'docs', 'screens');
    mkdirSync(folder, { recursive: true });
    const screens = screenList({ stack: 'demo', service: 'web' }).filter(
      ({ name }) => only.length === 0 || only.includes(name),
    );
    let taken = 0;
    for (const { width, height } of sizes) {
      await app.evaluate(
        ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height),
        {
          width,
          height,
        },
      );
      for (const theme of themes) {
        for (const language of languages) {
          await ask(socket, 'settings.set', { theme, language });
          for (const screen of screens) {
            await page.evaluate(`location.hash = ${JSON.stringify(`#${screen.route}`)}`);
            await page.getByTestId(screen.ready).waitFor();
            // Nothing hovers, and everything has been drawn.
            await page.mouse.move(width - 2, height - 2);
            await sleep(900);
            const file = join(folder, `${screen.name}-${theme}-${language}-${width}.png`);
            writeFileSync(file, shrinkPng(await page.screenshot({ type: 'png' })));
            taken += 1;
          }
          say(`  ${width} ${theme} ${language}`);
        }
      }
    }
    say(`• ${taken} pictures in ${folder}`);
  } finally {
    await app.close().catch(() => undefined);
    await engine?.stop();
    display?.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    say(`! ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exit(1);
  },
);
