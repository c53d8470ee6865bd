/**
 * `npm run check`: types, lint, format, architecture and unit tests, side by side. Needs neither Docker nor a display.
 * Says at the end what failed, with its output.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './dependencies.mjs';
import { cacheFolder, projectRoot, say } from './place.mjs';
import { endChildren, onInterrupt, run } from './processes.mjs';
import { reportFile, vitestCounts } from './results.mjs';

/** @typedef {import('./results.mjs').Part} Part */

/**
 * @param {string} name
 * @param {...string} path of a tool's script in node_modules
 */
const tool = (name, ...path) => join(projectRoot, 'node_modules', name, ...path);

/** No part takes longer, unless a test spins for ever: six times what the slowest takes here. */
const LIMIT_MS = 480_000;

/** The slowest first, so that none is left to run alone at the end. */
const PARTS = [
  { name: 'unit and architecture tests', argv: unitTests() },
  { name: 'lint', argv: [tool('eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0', ...cache('eslint')] },
  { name: 'types of src-renderer', argv: [tool('vue-tsc', 'bin', 'vue-tsc.js'), ...types('src-renderer')] },
  { name: 'types of test', argv: [tool('vue-tsc', 'bin', 'vue-tsc.js'), ...types('test')] },
  { name: 'types of src-main', argv: [tool('typescript', 'bin', 'tsc'), ...types('src-main')] },
  { name: 'types of test/machine', argv: [tool('typescript', 'bin', 'tsc'), ...types('test/machine')] },
  { name: 'types of src-main/contract', argv: [tool('typescript', 'bin', 'tsc'), ...types('src-main/contract')] },
  {
    name: 'format',
    argv: [tool('prettier', 'bin', 'prettier.cjs'), '--check', '.', '--log-level=warn', ...cache('prettier')],
  },
];

/**
 * @param {string} name
 * @returns {string[]} flags with which a tool remembers by content which files were well
 */
function cache(name) {
  return ['--cache', '--cache-strategy', 'content', '--cache-location', join(cacheFolder('check'), name)];
}

/**
 * @param {string} project
 * @returns {string[]}
 */
function types(project) {
  const memory = join(cacheFolder('check'), `${project.replaceAll('/', '-')}.tsbuildinfo`);
  return [
    '-p',
    join(projectRoot, project),
    '--noEmit',
    '--incremental',
    '--tsBuildInfoFile',
    memory,
    '--pretty',
    'false',
  ];
}

/** @returns {string[]} */
function unitTests() {
  const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile('unit')}`];
  return [tool('vitest', 'vitest.mjs'), 'run', ...report];
}

/**
 * @param {string} output of vitest, which names each file once its tests have run
 * @returns {string} which files it was still running, so that a test that never ends can be found
 */
function unfinished(output) {
  const files = readdirSync(join(projectRoot, 'test'), { recursive: true, encoding: 'utf8' });
  const waiting = files
    .map((file) => `test/${file.replaceAll('\\', '/')}`)
    .filter(
      (file) =>
        /(?<!\.slow)\.test\.ts$/.test(file) && !/^test\/(docker|e2e|bench)\//.test(file) && !output.includes(file),
    );
  return ` Without a result: ${waiting.join(', ')}.`;
}

/**
 * Runs every part, as many at once as there are cores.
 * @returns {Promise<Part[]>} the tests count one each, every other part counts one
 */
export async function runCheck() {
  const waiting = [...PARTS];
  /** @type {Part[]} */
  const done = [];
  const work = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      const began = Date.now();
      const env = { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true', FORCE_COLOR: '0', NO_COLOR: '1' };
      const { code, output } = await run(process.execPath, part.argv, {
        cwd: projectRoot,
        env,
        quiet: true,
        timeoutMs: LIMIT_MS,
      });
      const isTests = part.argv.includes('--reporter=json');
      const counts = isTests
        ? vitestCounts('unit', code)
        : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
      const seconds = (Date.now() - began) / 1000;
      const detail = isTests ? `, ${counts.passed} passed${counts.failed ? `, ${counts.failed} failed` : ''}` : '';
      say(`${code === 0 && counts.failed === 0 ? '✓' : '✗'} ${part.name} (${seconds.toFixed(1)} s${detail})`);
      const late =
        code === 124 ? `\nIt did not end within ${LIMIT_MS / 1000} s.${isTests ? unfinished(output) : ''}` : '';
      done.push({ name: part.name, seconds, output: output + late, ...counts });
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, Math.min(4, availableParallelism())) }, work));
  for (const part of done.filter((one) => one.failed > 0)) {
    say(`\n──── ${part.name} failed ────\n${part.output.trim().split('\n').slice(-80).join('\n')}`);
  }
  return done;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  onInterrupt(endChildren);
  await ensureDependencies();
  const parts = await runCheck();
  const failed = parts.filter((part) => part.failed > 0);
  say(failed.length === 0 ? '\nAll is well.' : `\nFailed: ${failed.map((part) => part.name).join(', ')}.`);
  process.exit(failed.length === 0 ? 0 : 1);
}
