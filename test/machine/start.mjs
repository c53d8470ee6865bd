/**
 * `npm start`: makes whatever this machine lacks, then runs the app.
 *
 *   npm start                      opens the window
 *   npm start -- --demo            and applies the sample stack
 *   npm start -- --headless        on a virtual display, also where there is a real one
 *   npm start -- --stop-engine     ends the private engine that an earlier start made here, with its containers
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { hasDisplay, startDisplay } from './display.mjs';
import { ensureElectron } from './electron.mjs';
import { ENGINE_PACKAGES, findPrivateEngine, startPrivateEngine, whyNoPrivateEngine } from './engine.mjs';
import { findEngine } from './found-engine.mjs';
import { IMAGE_PACKAGES } from './images.mjs';
import { cacheFolder, projectRoot, say, together } from './place.mjs';
import { capture, endChildren, isLinuxRoot } from './processes.mjs';
import { DISPLAY_PACKAGES, WINDOW_PACKAGES, canInstallPackages, ensurePackages } from './system.mjs';

/** What an interrupt does now: while preparing it ends the preparations, later it ends the app. @type {() => void} */
let interrupted = () => {
  endChildren();
  process.exit(130);
};

/** One engine per clone of the project. */
const engineName = `start-${createHash('sha256').update(projectRoot).digest('hex').slice(0, 8)}`;

/**
 * The engine the app is to use.
 * @param {import('./found-engine.mjs').FoundEngine | undefined} found
 * @param {string | undefined} lacking what could not be installed
 * @returns {Promise<string | undefined>} DOCKER_HOST for the app; undefined leaves the choice to the app
 */
async function ensureEngine(found, lacking) {
  if (found) {
    if (!found.answers)
      say(
        `! The Docker engine at ${withoutUser(found.host)} does not answer: start it, or unset DOCKER_HOST and DOCKER_CONTEXT.`,
      );
    return undefined;
  }
  const why = whyNoPrivateEngine();
  if (why) {
    say(`! No Docker engine answers. ${lacking ?? why} The app offers its tour meanwhile.`);
    return undefined;
  }
  const running = findPrivateEngine(engineName);
  try {
    const engine =
      running ?? (await startPrivateEngine({ name: engineName, persistent: true, dataRoot: cacheFolder('engine') }));
    say(`• ${running ? 'using' : 'started'} a private Docker engine: ${engine.dockerHost}`);
    if (!engine.hostNetwork)
      say(`  published ports are at ${engine.address}, since another daemon has this machine's network`);
    say('  containers keep running when the app ends; `npm start -- --stop-engine` ends the engine too');
    return engine.dockerHost;
  } catch (error) {
    say(
      `! No Docker engine: ${error instanceof Error ? error.message : String(error)} The app offers its tour meanwhile.`,
    );
    return undefined;
  }
}

/**
 * @param {string} host
 * @returns {string} without a name or password that it may carry
 */
function withoutUser(host) {
  return host.replace(/\/\/[^/@]*@/, '//');
}

/**
 * @param {string} path of Electron
 * @returns {string | undefined} what its libraries lack, in one sentence
 */
function missingLibraries(path) {
  if (process.platform !== 'linux') return undefined;
  const missing = capture('ldd', [path])
    .stdout.split('\n')
    .flatMap((line) => /^\s*(\S+) => not found/.exec(line)?.[1] ?? []);
  if (missing.length === 0) return undefined;
  return `The window cannot open without ${missing.join(', ')}: on Debian, \`apt-get install ${WINDOW_PACKAGES.join(' ')}\`.`;
}

/**
 * @param {string[]} argv
 * @returns {Promise<number>} exit code
 */
async function start(argv) {
  if (argv.includes('--stop-engine')) {
    const engine = findPrivateEngine(engineName);
    await engine?.stop();
    say(
      engine
        ? '• the private engine has ended; its images and volumes are kept in .cache/engine'
        : '• no private engine runs',
    );
    return 0;
  }
  const headless = argv.includes('--headless') || !hasDisplay();
  const found = await findEngine();
  const packages = [
    ...WINDOW_PACKAGES,
    ...(headless ? DISPLAY_PACKAGES : []),
    ...(found || !canInstallPackages() ? [] : [...ENGINE_PACKAGES, ...IMAGE_PACKAGES]),
  ];
  const installed = canInstallPackages() ? ensurePackages(packages) : Promise.resolve(undefined);
  const engineReady = installed.then((lacking) => ensureEngine(found, lacking));
  const appReady = ensureDependencies().then(() => together([ensureElectron(), ensureBuild()]));
  const [lacking, dockerHost, [electron]] = await together([installed, engineReady, appReady]);
  const libraries = missingLibraries(electron.path);
  if (lacking) say(`! ${lacking}`);
  if (libraries) throw new Error(libraries);

  const env = { ...process.env };
  if (dockerHost) env['DOCKER_HOST'] = dockerHost;
  // The product's window refuses root; a development machine may be nothing but root.
  if (isLinuxRoot()) env['PILOTHOUSE_ALLOW_ROOT'] = '1';
  const display = headless && process.platform === 'linux' ? await startDisplay() : undefined;
  if (display) {
    const screenshots = cacheFolder('screenshots');
    for (const name of readdirSync(screenshots)) rmSync(join(screenshots, name));
    env['PILOTHOUSE_SCREENSHOTS'] = screenshots;
    env['DISPLAY'] = display.display;
    delete env['WAYLAND_DISPLAY'];
    say(
      `• no display here: the window opens on a virtual one (${display.display}); its screenshots lie in ${screenshots}`,
    );
  }
  const forApp = argv.filter((word) => word !== '--headless');
  say(`• Pilothouse runs on Electron ${electron.version}; Ctrl-C ends it`);
  try {
    // There is no graphics card behind a virtual display; looking for one only costs time and error messages.
    const switches = display ? [...electron.switches, '--disable-gpu'] : electron.switches;
    return await launch(electron.path, [...electron.appArguments, ...switches, ...forApp], {
      env,
      quiet: display !== undefined,
    });
  } finally {
    display?.stop();
  }
}

/**
 * Runs the app to its end; an interrupt asks it to end and insists after some seconds.
 * @param {string} path
 * @param {string[]} argv
 * @param {{ env: NodeJS.ProcessEnv, quiet: boolean }} options quiet drops what Chromium says for want of a desktop session
 * @returns {Promise<number>} its exit code
 */
function launch(path, argv, { env, quiet }) {
  return new Promise((resolve, reject) => {
    const windows = process.platform === 'win32';
    // ELECTRON_RUN_AS_NODE, as editors set it in their terminals, would make a plain Node of it.
    delete env['ELECTRON_RUN_AS_NODE'];
    const stdio = /** @type {const} */ (['inherit', 'inherit', quiet ? 'pipe' : 'inherit']);
    const child = spawn(path, argv, { cwd: projectRoot, env, stdio: [...stdio], detached: !windows });
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (!/^\[[\d:/.]+:ERROR:(bus|viz_main_impl|command_buffer_proxy_impl|gpu_\w+|angle_\w+)\.cc/.test(line))
          say(line);
      });
    }
    const end = (/** @type {NodeJS.Signals} */ signal) => {
      try {
        if (child.pid !== undefined && !windows) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // Already gone.
      }
    };
    let asked = false;
    interrupted = () => {
      if (asked) return end('SIGKILL');
      asked = true;
      // Electron's main process quits in order on SIGTERM and ends its own children.
      child.kill('SIGTERM');
      setTimeout(() => end('SIGKILL'), 6_000).unref();
    };
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      end('SIGKILL');
      resolve(code ?? (asked || signal === 'SIGINT' ? 130 : 1));
    });
  });
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => interrupted());

start(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    say(`! ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
