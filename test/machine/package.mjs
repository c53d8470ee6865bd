/**
 * `npm run package`: the unpacked app by electron-builder from the Electron that is here, its `.deb`, and a smoke test of both.
 * What needs downloads (AppImage, rpm, Windows, macOS) is configured in electron-builder.yml and built where the network allows.
 *
 *   npm run package                 all of it
 *   npm run package -- --no-deb     only the unpacked app
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { hasDisplay, startDisplay } from './display.mjs';
import { ensureElectron } from './electron.mjs';
import { cacheFolder, projectRoot, say } from './place.mjs';
import { capture, isLinuxRoot, must, run, waitFor, which } from './processes.mjs';

const require = createRequire(import.meta.url);
const output = join(projectRoot, 'dist');

/**
 * Does something slow and says how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
async function step(what, act) {
  say(`• ${what} …`);
  const began = Date.now();
  const result = await act();
  say(`  done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

/** The folder electron-builder writes for this machine. @returns {string} */
function unpackedFolder() {
  const arm = process.arch === 'arm64';
  if (process.platform === 'darwin') return join(output, arm ? 'mac-arm64' : 'mac', 'Pilothouse.app');
  const system = process.platform === 'win32' ? 'win' : 'linux';
  return join(output, `${system}-${arm ? 'arm64-' : ''}unpacked`);
}

/** @param {string} folder @returns {string} the program inside */
function programIn(folder) {
  if (process.platform === 'darwin') return join(folder, 'Contents', 'MacOS', 'Pilothouse');
  return join(folder, process.platform === 'win32' ? 'pilothouse.exe' : 'pilothouse');
}

/**
 * A clean copy of the runtime: the one for development starts this very project from its resources.
 * @param {string} program Electron's own
 * @returns {string}
 */
function cleanRuntime(program) {
  const target = join(cacheFolder('package'), 'runtime');
  rmSync(target, { recursive: true, force: true });
  cpSync(dirname(program), target, {
    recursive: true,
    filter: (source) => !source.startsWith(join(dirname(program), 'resources', 'app')),
  });
  return target;
}

/** @returns {Record<string, any>} electron-builder.yml as data */
function configuration() {
  const yaml = /** @type {typeof import('yaml')} */ (require('yaml'));
  return yaml.parse(readFileSync(join(projectRoot, 'electron-builder.yml'), 'utf8'));
}

/**
 * The configuration for this machine's runtime. Its fuses are turned afterwards, where the ones it lacks can be said aloud.
 * @param {{ electronDist: string, electronVersion: string }} runtime
 * @returns {string} a file
 */
function localConfiguration(runtime) {
  const { electronFuses: _later, ...rest } = configuration();
  const file = join(cacheFolder('package'), 'electron-builder.json');
  writeFileSync(file, JSON.stringify({ ...rest, ...runtime }, null, 2));
  return file;
}

/**
 * @param {string} folder of the unpacked app
 * @returns {Promise<Record<string, string>>} every fuse as read back from the binary
 */
async function readFuses(folder) {
  const { FuseV1Options, getCurrentFuseWire, FuseState } = await import('@electron/fuses');
  const wire = await getCurrentFuseWire(programIn(folder));
  const names = Object.entries(FuseV1Options).filter(([, index]) => typeof index === 'number');
  return Object.fromEntries(
    names.map(([name, index]) => {
      const state = wire[/** @type {keyof typeof wire} */ (index)];
      return [name, state === undefined ? 'unknown to this Electron' : (FuseState[Number(state)] ?? String(state))];
    }),
  );
}

/**
 * Turns the fuses as electron-builder.yml says. Older runtimes lack the newest ones, which is said aloud.
 * @param {string} folder of the unpacked app
 */
async function flipFuses(folder) {
  const { FuseV1Options, FuseVersion, flipFuses: flip } = await import('@electron/fuses');
  const { electronFuses } = configuration();
  const before = await readFuses(folder);
  /** @type {Record<number, boolean>} */
  const wanted = {};
  for (const [name, on] of Object.entries(electronFuses)) {
    const option = Object.keys(FuseV1Options).find((key) => key.toLowerCase() === name.toLowerCase());
    if (option === undefined) throw new Error(`There is no fuse ${name}.`);
    if (before[option]?.startsWith('unknown')) {
      say(`  ! skipped: fuse ${option} is unknown to this Electron`);
      continue;
    }
    wanted[FuseV1Options[/** @type {keyof typeof FuseV1Options} */ (option)]] = Boolean(on);
  }
  await flip(programIn(folder), { version: FuseVersion.V1, resetAdHocDarwinSignature: true, ...wanted });
  const after = await readFuses(folder);
  for (const [name, on] of Object.entries(electronFuses)) {
    const option = Object.keys(after).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
    const state = after[option];
    if (!state?.startsWith('unknown') && state !== (on ? 'ENABLE' : 'DISABLE'))
      throw new Error(`Fuse ${option} is ${state} and should be ${on ? 'ENABLE' : 'DISABLE'}.`);
    say(`  ${option}: ${state}`);
  }
}

/** @param {string} home @returns {string} the end of what the app itself wrote down */
function logsIn(home) {
  return ['pilothouse', 'window']
    .map((name) => join(home, 'logs', `${name}.log`))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').slice(-2000))
    .join('\n');
}

/**
 * Starts a packaged app with a fresh home on the memory engine, and asks it over its own socket and its own screenshots whether
 * it lives. It is fused, so no debugger can look inside.
 * @param {string} program
 */
async function smoke(program) {
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-smoke-'));
  const display = !hasDisplay() && process.platform === 'linux' ? await startDisplay() : undefined;
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...process.env,
    PILOTHOUSE_HOME: join(folder, 'home'),
    PILOTHOUSE_ENGINE: 'memory',
    PILOTHOUSE_SCREENSHOTS: join(folder, 'pictures'),
    // Both would be ways in; neither may have an effect.
    ELECTRON_RUN_AS_NODE: '1',
    NODE_OPTIONS: `--require=${join(folder, 'must-not-exist.cjs')}`,
    ...(display ? { DISPLAY: display.display } : {}),
    ...(isLinuxRoot() ? { PILOTHOUSE_ALLOW_ROOT: '1' } : {}),
  };
  const switches = isLinuxRoot() ? ['--no-sandbox', '--disable-gpu'] : display ? ['--disable-gpu'] : [];
  const child = spawn(program, switches, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said = (said + chunk).slice(-4000)));
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-4000)));
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  try {
    const ask = (/** @type {string[]} */ ...words) =>
      capture(process.execPath, [join(projectRoot, 'out', 'main', 'cli.js'), ...words, '--json'], {
        env: { ...process.env, PILOTHOUSE_HOME: join(folder, 'home') },
        timeoutMs: 20_000,
      });
    const status = await waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(`The packaged app ended with ${child.exitCode}:\n${said}`);
        const { code, stdout } = ask('status');
        return code === 0 ? JSON.parse(stdout) : undefined;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    if (!status) throw new Error(`The packaged app did not answer within a minute:\n${said}`);
    say(`  it answers: version ${status.app.version}, engine ${status.engines[0]?.name}`);
    const picture = await waitFor(
      () => {
        const file = join(folder, 'pictures', 'latest.png');
        // An empty window compresses to next to nothing.
        return existsSync(file) && statSync(file).size > 15_000 ? statSync(file).size : undefined;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    if (!picture) throw new Error('The packaged app showed nothing in its window.');
    say(`  it shows its window (${Math.round(picture / 1024)} KiB of picture)`);
    const sample = join(projectRoot, 'resources', 'samples', 'demo', 'compose.yaml');
    const up = ask('up', '-f', sample);
    if (up.code !== 0) throw new Error(`The packaged app could not apply the sample: ${up.stderr}`);
    // Lines come out of the log store's thread, whose code lies in the archive too.
    const lines = await waitFor(
      () => {
        const count = ask('logs', '--tail', '20').stdout.split('\n').filter(Boolean).length;
        return count >= 5 ? count : undefined;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    if (!lines) throw new Error(`The packaged app kept no log lines:\n${logsIn(join(folder, 'home'))}`);
    say('  it applies the sample stack and keeps its logs');
    const refused = capture(program, [...switches, '--remote-debugging-port=0'], { env, timeoutMs: 20_000 });
    if (refused.code !== 2) throw new Error(`It started with a debugging port (exit ${refused.code}).`);
    say('  it refuses a debugging port');
    child.kill('SIGTERM');
    const code = await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve('late'), 15_000))]);
    if (code !== 0) throw new Error(`The packaged app ended with ${code} when asked to quit:\n${said}`);
  } finally {
    child.kill('SIGKILL');
    display?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * The `.deb` of the fused app; unpacked again to see that it is whole.
 * @param {string} folder
 * @param {string} version of Electron, by which the tool chooses the packages it depends on
 * @returns {Promise<string>}
 */
async function debianPackage(folder, version) {
  /** @type {(options: object) => Promise<void>} */
  const installer = require(String('electron-installer-debian'));
  const icons = join(projectRoot, 'resources', 'icons');
  // The tool looks for both beside the program, where electron-builder leaves neither.
  writeFileSync(join(folder, 'version'), version);
  cpSync(join(projectRoot, 'LICENSE'), join(folder, 'LICENSE'));
  await installer({
    src: folder,
    dest: output,
    arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
    options: {
      name: 'pilothouse',
      productName: 'Pilothouse',
      bin: 'pilothouse',
      genericName: 'Container control room',
      section: 'devel',
      icon: { scalable: join(icons, 'icon.svg'), '512x512': join(icons, 'icon.png') },
      categories: ['Development', 'System'],
      mimeType: ['x-scheme-handler/pilothouse'],
      recommends: ['docker.io | docker-ce | podman'],
      lintianOverrides: [],
      // xz would save a quarter of the size for ten times the time.
      compression: 'gzip',
    },
  });
  const name = readdirSync(output).find((file) => file.endsWith('.deb'));
  if (!name) throw new Error('There is no .deb.');
  return join(output, name);
}

async function main() {
  await ensureDependencies();
  const electron = await ensureElectron();
  await ensureBuild();
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  if (electron.standIn)
    say(`! Packed with Electron ${electron.version}, which is for tests only: never ship what this makes.`);
  const runtime = cleanRuntime(electron.path);
  await step('packing the app', async () => {
    const { code, output: told } = await run(
      process.execPath,
      [
        join(projectRoot, 'node_modules', 'electron-builder', 'cli.js'),
        '--dir',
        '--publish=never',
        `--config=${localConfiguration({ electronDist: runtime, electronVersion: electron.version })}`,
      ],
      {
        cwd: projectRoot,
        quiet: true,
        timeoutMs: 600_000,
        env: { ...process.env, CSC_IDENTITY_AUTO_DISCOVERY: 'false' },
      },
    );
    if (code !== 0) throw new Error(`electron-builder ended with ${code}:\n${told.split('\n').slice(-20).join('\n')}`);
  });
  const folder = unpackedFolder();
  if (!existsSync(programIn(folder))) throw new Error(`There is no ${programIn(folder)}.`);
  await step('turning the fuses', () => flipFuses(folder));
  await step('smoke test of the unpacked app', () => smoke(programIn(folder)));
  if (process.platform === 'linux' && !process.argv.includes('--no-deb')) {
    if (!which('dpkg-deb') || !which('fakeroot'))
      say('! skipped: the .deb needs dpkg and fakeroot (apt-get install fakeroot)');
    else {
      const deb = await step('making the .deb', () => debianPackage(folder, electron.version));
      const inside = join(cacheFolder('package'), 'deb');
      rmSync(inside, { recursive: true, force: true });
      must('dpkg-deb', ['-x', deb, inside]);
      await step('smoke test of what is in the .deb', () =>
        smoke(join(inside, 'usr', 'lib', 'pilothouse', 'pilothouse')),
      );
      say(`• ${deb}`);
    }
  }
  say(`• ${folder}`);
}

main().then(
  () => process.exit(0),
  (error) => {
    say(`! ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
