/** Counts out of the reports that the test runners write. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './place.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {object} Report the fields that we read of vitest's and Playwright's reports
 * @property {number} [numPassedTests]
 * @property {number} [numFailedTests]
 * @property {number} [numPendingTests]
 * @property {number} [numTodoTests]
 * @property {{ status: string, assertionResults: unknown[] }[]} [testResults]
 * @property {{ expected: number, unexpected: number, flaky: number, skipped: number }} [stats]
 * @typedef {Counts & { name: string, seconds: number, output: string }} Part
 */

/**
 * @param {string} name
 * @returns {string} where a runner is to write its report; an older one is gone
 */
export function reportFile(name) {
  const file = join(cacheFolder('results'), `${name}.json`);
  rmSync(file, { force: true });
  return file;
}

/**
 * @param {string} name
 * @returns {Report | undefined} undefined when the runner wrote none
 */
function report(name) {
  try {
    return JSON.parse(readFileSync(join(cacheFolder('results'), `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * A runner that failed without a failed test (a file that could not be loaded, a leak, no report) counts as one failure.
 * @param {Counts} counts
 * @param {number} code
 * @returns {Counts}
 */
function atLeastOneFailure(counts, code) {
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {string} name of the report
 * @param {number} code the runner's exit code
 * @returns {Counts}
 */
export function vitestCounts(name, code) {
  const found = report(name);
  const unloaded = (found?.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const counts = {
    passed: found?.numPassedTests ?? 0,
    failed: (found?.numFailedTests ?? 0) + unloaded,
    skipped: (found?.numPendingTests ?? 0) + (found?.numTodoTests ?? 0),
  };
  return atLeastOneFailure(counts, found ? code : code || 1);
}

/**
 * @param {string} name of the report
 * @param {number} code the runner's exit code
 * @returns {Counts} a test that passed at its second try counts as passed
 */
export function playwrightCounts(name, code) {
  const stats = report(name)?.stats;
  const counts = {
    passed: (stats?.expected ?? 0) + (stats?.flaky ?? 0),
    failed: stats?.unexpected ?? 0,
    skipped: stats?.skipped ?? 0,
  };
  return atLeastOneFailure(counts, stats ? code : code || 1);
}
