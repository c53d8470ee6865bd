/**
 * `npm run bench -- NAME [NAME …]`: measures ours and its peers in one run and prints the ratios. Starts the engine and the display it
 * needs, and ends what it started. How to read the figures: test/bench/README.md.
 *
 *   npm run bench                           lists the benchmarks
 *   npm run bench -- scale --json           one JSON object per figure on stdout; progress stays on stderr
 *     --rounds 3      rounds per size             --sizes 10,25,50   the sizes
 *     --redo 0        keep noisy rounds           --gate             fail when a goal is missed by more than 15 %
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { figureLines, growthOf, missesGate } from './bench-report.mjs';
import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { startDisplay } from './display.mjs';
import { ensureElectron } from './electron.mjs';
import { ENGINE_PACKAGES, startPrivateEngine, sweepEngines, whyNoPrivateEngine } from './engine.mjs';
import { IMAGE_PACKAGES } from './images.mjs';
import { cacheRoot, projectRoot, say } from './place.mjs';
import { onInterrupt } from './processes.mjs';
import { DISPLAY_PACKAGES, WINDOW_PACKAGES, canInstallPackages, ensurePackages } from './system.mjs';

/** @typedef {import('./bench-report.mjs').Figure} Figure */

/**
 * @typedef {object} Bench
 * @property {readonly string[]} [needs] `engine`, `window`; default: an engine
 * @property {(options: { rounds?: number, sizes?: number[], redo?: number, say: typeof say }) => AsyncIterable<Figure>} run
 */

const folder = join(projectRoot, 'test', 'bench');

/** What is to be ended whatever happens. @type {(() => Promise<void> | void)[]} */
const undo = [];

async function undoAll() {
  for (let one = undo.pop(); one; one = undo.pop()) await one();
}

/** @returns {string[]} */
function benches() {
  return readdirSync(folder)
    .flatMap((name) => /^([a-z-]+)\.ts$/.exec(name)?.[1] ?? [])
    .filter((name) => name !== 'figure');
}

/**
 * Bundles a benchmark, since Node does not read TypeScript; packages, and the scripts beside this one, stay as they are.
 * @param {string} name
 * @returns {Promise<Bench>}
 */
async function load(name) {
  const { build } = await import('vite');
  const target = join(cacheRoot, 'bench', `run-${process.pid}`);
  mkdirSync(target, { recursive: true });
  undo.push(() => rmSync(target, { recursive: true, force: true }));
  await build({
    configFile: false,
    root: projectRoot,
    logLevel: 'error',
    plugins: [
      {
        name: 'scripts-stay-outside',
        enforce: 'pre',
        resolveId: (source, importer) =>
          source.endsWith('.mjs') && source.startsWith('.') && importer
            ? { id: pathToFileURL(resolve(importer, '..', source)).href, external: true }
            : null,
      },
    ],
    build: {
      ssr: join(folder, `${name}.ts`),
      outDir: target,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { entryFileNames: `${name}.mjs`, chunkFileNames: `${name}-[hash].mjs` } },
    },
  });
  return import(pathToFileURL(join(target, `${name}.mjs`)).href);
}

/**
 * @param {Set<string>} needs
 * @returns {Promise<void>}
 */
async function prepare(needs) {
  const packages = [
    ...(needs.has('engine') ? [...ENGINE_PACKAGES, ...IMAGE_PACKAGES] : []),
    ...(needs.has('window') ? [...WINDOW_PACKAGES, ...DISPLAY_PACKAGES] : []),
  ];
  const lacking = packages.length > 0 && canInstallPackages() ? await ensurePackages(packages) : undefined;
  if (lacking) say(`! ${lacking}`);
  if (needs.has('engine')) {
    const why = whyNoPrivateEngine();
    if (why) throw new Error(why);
    await sweepEngines();
    // Its own namespace: nothing else's firewall rules or bridges are in the way of what is measured.
    const engine = await startPrivateEngine({ name: `bench-${process.pid}`, hostNetwork: false });
    undo.push(engine.stop);
    process.env['PILOTHOUSE_TEST_ENGINE'] = engine.name;
    process.env['PILOTHOUSE_TEST_ADDRESS'] = engine.address;
    process.env['DOCKER_HOST'] = engine.dockerHost;
    say(`• a private engine: ${engine.dockerHost}`);
  }
  if (needs.has('window')) {
    await ensureElectron();
    await ensureBuild();
    if (process.platform === 'linux') {
      const display = await startDisplay();
      undo.push(display.stop);
      process.env['DISPLAY'] = display.display;
      delete process.env['WAYLAND_DISPLAY'];
    }
  }
}

/**
 * @param {string[]} argv
 * @returns {{ names: string[], json: boolean, gate: boolean, rounds?: number, redo?: number, sizes?: number[] }}
 */
function parse(argv) {
  /** @type {ReturnType<typeof parse>} */
  const options = { names: [], json: false, gate: false };
  const words = argv.flatMap((word) => (/^--\w+=/.test(word) ? word.split(/=(.*)/, 2) : [word]));
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--json') options.json = true;
    else if (word === '--gate') options.gate = true;
    else if (word === '--rounds') options.rounds = numbers(word, words[(at += 1)])[0];
    else if (word === '--redo') options.redo = numbers(word, words[(at += 1)])[0];
    else if (word === '--sizes') options.sizes = numbers(word, words[(at += 1)]);
    else if (benches().includes(word)) options.names.push(word);
    else throw new Error(`There is no benchmark ${word}. There are: ${benches().join(', ')}`);
  }
  return options;
}

/**
 * @param {string} word
 * @param {string | undefined} value
 * @returns {number[]}
 */
function numbers(word, value) {
  const found = (value ?? '').split(',').map(Number);
  if (!value || found.some((one) => !Number.isInteger(one) || one < 0)) {
    throw new Error(`${word} wants whole numbers, such as ${word === '--sizes' ? '10,25,50' : '3'}.`);
  }
  return found;
}

/**
 * @param {string[]} argv
 * @returns {Promise<number>} exit code
 */
async function main(argv) {
  const { names, json, gate, ...options } = parse(argv);
  if (names.length === 0) {
    say(`Benchmarks: ${benches().join(', ')}.  npm run bench -- NAME [--json] [--rounds n] [--sizes a,b,c]`);
    return argv.length === 0 ? 0 : 2;
  }
  await ensureDependencies();
  const loaded = [];
  for (const name of names) loaded.push({ name, bench: await load(name) });
  await prepare(new Set(loaded.flatMap(({ bench }) => bench.needs ?? ['engine'])));
  const own = mkdtempSync(join(tmpdir(), 'pilothouse-bench-'));
  process.env['PILOTHOUSE_BENCH_FOLDER'] = own;
  undo.push(() => rmSync(own, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  let missed = 0;
  for (const { name, bench } of loaded) {
    say(`\n═══ ${name} ═══`);
    /** @type {Figure[]} */
    const figures = [];
    for await (const figure of bench.run({ ...options, say })) {
      figures.push(figure);
      if (gate && missesGate(figure)) missed += 1;
      // Not a number in JSON is null; the note says why.
      process.stdout.write(json ? `${JSON.stringify(figure)}\n` : `${figureLines(figure)}\n`);
    }
    for (const growth of growthOf(figures)) {
      process.stdout.write(json ? `${JSON.stringify(growth)}\n` : `${growth.text}\n`);
    }
  }
  if (missed > 0) say(`! ${missed} goals are missed by more than 15 %`);
  return missed > 0 ? 1 : 0;
}

onInterrupt(undoAll);
main(process.argv.slice(2))
  .catch((error) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  })
  .then(async (code) => {
    await undoAll().catch((error) => say(`! ${error instanceof Error ? error.message : String(error)}`));
    process.exit(code);
  });
