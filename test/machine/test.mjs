/**
 * `npm test`: makes what the machine lacks, then runs everything: the check, the tests on a real engine, and the tests in
 * the real window. The last line is `N passed, N failed`; what cannot run here is named.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild } from './build.mjs';
import { runCheck } from './check.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { hasDisplay, startDisplay } from './display.mjs';
import { ensureElectron } from './electron.mjs';
import { ENGINE_PACKAGES, startPrivateEngine, sweepEngines, whyNoPrivateEngine } from './engine.mjs';
import { IMAGE_PACKAGES, buildImages } from './images.mjs';
import { projectRoot, say, together } from './place.mjs';
import { PODMAN_PACKAGES } from './podman.mjs';
import { onInterrupt, run, which } from './processes.mjs';
import { playwrightCounts, reportFile, vitestCounts } from './results.mjs';
import { DISPLAY_PACKAGES, WINDOW_PACKAGES, canInstallPackages, ensurePackages } from './system.mjs';

/** @typedef {import('./results.mjs').Counts} Counts */

/** A part that takes longer hangs: two and a half times what the longest takes on two cores. */
const LIMIT_MS = 1_500_000;

/** What is to be ended whatever happens. @type {Set<() => Promise<void> | void>} */
const undo = new Set();

async function undoAll() {
  for (const one of [...undo].reverse()) {
    undo.delete(one);
    await one();
  }
}

/** @returns {Promise<void>} */
async function prepare() {
  // strace, because tests of the store let system calls fail; sshd, because nodes are reached over SSH.
  const packages = [
    'strace',
    'openssh-client',
    'openssh-server',
    ...WINDOW_PACKAGES,
    ...DISPLAY_PACKAGES,
    ...ENGINE_PACKAGES,
    ...IMAGE_PACKAGES,
    ...PODMAN_PACKAGES,
  ];
  const system = canInstallPackages() ? ensurePackages(packages) : Promise.resolve(undefined);
  const images = system.then(async (lacking) => {
    if (lacking) say(`! ${lacking}`);
    if (whyNoPrivateEngine()) return;
    await sweepEngines();
    buildImages();
  });
  await together([images, ensureDependencies().then(() => together([ensureElectron(), ensureBuild()]))]);
}

/**
 * @param {string} project of vitest
 * @param {{ beside?: boolean }} [options] beside: something else runs meanwhile, goes first, and is not talked into
 * @returns {Promise<Counts>}
 */
async function vitestProject(project, { beside = false } = {}) {
  const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile(project)}`];
  const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const env = { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true' };
  const { code, output } = await run(process.execPath, [vitest, 'run', '--project', project, ...report], {
    cwd: projectRoot,
    env,
    timeoutMs: LIMIT_MS,
    ...(beside ? { quiet: true, nice: 10 } : {}),
  });
  if (beside) say(`\n═══ ${project} ═══\n${output.trim()}`);
  if (code === 124) say(`! the ${project} tests did not end in time`);
  return vitestCounts(project, code);
}

/** @returns {Promise<Counts>} */
async function windowTests() {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: reportFile('e2e') };
  // Also where there is a display: tests should not open windows over somebody's work.
  if (process.platform === 'linux' && which('Xvfb')) {
    const display = await startDisplay();
    undo.add(display.stop);
    env['DISPLAY'] = display.display;
    delete env['WAYLAND_DISPLAY'];
  }
  if (!whyNoPrivateEngine()) {
    const engine = await startPrivateEngine({ name: `window-${process.pid}` });
    undo.add(engine.stop);
    env['DOCKER_HOST'] = engine.dockerHost;
    env['PILOTHOUSE_TEST_ENGINE'] = engine.name;
    env['PILOTHOUSE_TEST_ADDRESS'] = engine.address;
  }
  const playwright = join(projectRoot, 'node_modules', '@playwright', 'test', 'cli.js');
  const argv = [playwright, 'test', '-c', 'test/e2e/playwright.config.ts', '--reporter=list,json'];
  const { code } = await run(process.execPath, argv, { cwd: projectRoot, env, timeoutMs: LIMIT_MS });
  if (code === 124) say('! the tests in the window did not end in time');
  return playwrightCounts('e2e', code);
}

/**
 * @param {string} title
 * @param {() => Promise<Counts>} act
 * @returns {Promise<Counts>}
 */
async function part(title, act) {
  say(`\n═══ ${title} ═══`);
  const began = Date.now();
  /** @type {Counts} */
  let counts = { passed: 0, failed: 1, skipped: 0 };
  try {
    counts = await act();
  } catch (error) {
    say(`! ${title} could not run: ${error instanceof Error ? error.message : String(error)}`);
  }
  await undoAll();
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  say(
    `${title}: ${counts.passed} passed, ${counts.failed} failed${skipped} (${((Date.now() - began) / 1000).toFixed(0)} s)`,
  );
  return counts;
}

/** @returns {boolean} */
function hasSlowTests() {
  const files = readdirSync(join(projectRoot, 'test'), { recursive: true, encoding: 'utf8' });
  return files.some((file) => file.endsWith('.slow.test.ts'));
}

/** @returns {Promise<Counts>} */
async function everything() {
  await prepare();
  /** @type {Counts[]} */
  const all = [];
  all.push(
    await part('check', async () => {
      const parts = await runCheck();
      const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ key) =>
        parts.reduce((total, one) => total + one[key], 0);
      return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
    }),
  );
  // Beside the tests on an engine, which mostly wait.
  const slow = hasSlowTests() ? part('slow tests', () => vitestProject('slow', { beside: true })) : undefined;
  const noEngine = whyNoPrivateEngine();
  if (noEngine) say(`\n! SKIPPED: the tests on a real engine. ${noEngine}`);
  else all.push(await part('on a real engine', () => vitestProject('docker')));
  if (slow) all.push(await slow);
  if (!hasDisplay() && !which('Xvfb'))
    say('\n! SKIPPED: the tests in the window. There is no display and no Xvfb: install xvfb.');
  else all.push(await part('in the real window', windowTests));
  return {
    passed: all.reduce((total, one) => total + one.passed, 0),
    failed: all.reduce((total, one) => total + one.failed, 0),
    skipped: all.reduce((total, one) => total + one.skipped, 0),
  };
}

onInterrupt(undoAll);
const began = Date.now();
/** @type {Counts} */
let total = { passed: 0, failed: 1, skipped: 0 };
try {
  total = await everything();
} catch (error) {
  say(`! ${error instanceof Error ? error.message : String(error)}`);
}
await undoAll();
say(`\nin ${((Date.now() - began) / 1000).toFixed(0)} s`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 ? 0 : 1);
