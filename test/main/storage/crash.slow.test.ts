/** The database under kill -9, a full disk and a failing one: what was acknowledged is there, nothing is half there. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { seeded } from '../../../src-main/base/random';
import { openRows } from '../../../src-main/storage';

const root = join(import.meta.dirname, '../../..');
// Inside the project, so that the bundle finds the database library; its own, as two runs may be under way.
const bundles = join(root, `node_modules/.cache/pilothouse-writer-${process.pid}`);
let folder = '';
let file = '';

interface Run {
  /** Highest number the child said was durable. */
  acknowledged: number;
  opened: boolean;
  error: string;
}

beforeAll(async () => {
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      ssr: join(import.meta.dirname, 'writer.ts'),
      outDir: bundles,
      emptyOutDir: true,
      rollupOptions: { output: { entryFileNames: 'writer.mjs' } },
    },
  });
}, 60_000);

afterAll(() => rmSync(bundles, { recursive: true, force: true }));

function freshHome(): void {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-crash-'));
  file = join(folder, 'home', 'pilothouse.db');
}

/** Runs the writer, under `wrapper` when given, and kills it `after` milliseconds after it has opened the database. */
function write(options: { first: number; count?: number; after?: number; wrapper?: string[] }): Promise<Run> {
  const { first, count = 1_000_000, after, wrapper = [] } = options;
  const argv = [...wrapper, process.execPath, join(bundles, 'writer.mjs'), file, `${first}`, `${count}`];
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    const run: Run = { acknowledged: first - 1, opened: false, error: '' };
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'open') {
          run.opened = true;
          if (after !== undefined) setTimeout(() => child.kill('SIGKILL'), after);
        } else run.acknowledged = Math.max(run.acknowledged, Number(line));
      }
    });
    child.stderr.on('data', (chunk: Buffer) => (run.error += chunk.toString()));
    child.on('error', reject);
    child.on('close', () => resolve(run));
  });
}

/** Opens what is left and checks it; returns the last number that is there. */
function survey(acknowledged: number): number {
  const rows = openRows(file);
  try {
    const found = rows.load();
    const numbers = (table: string): number[] =>
      found
        .filter((row) => row.table === table)
        .map(({ key }) => Number(key))
        .sort((one, other) => one - other);
    const last = Number(found.find(({ table }) => table === 'last')?.value ?? -1);
    expect(numbers('a')).toEqual(Array.from({ length: last + 1 }, (_, index) => index));
    const removed = (number: number): boolean => number % 7 === 0 && number + 7 <= last;
    expect(numbers('b')).toEqual(numbers('a').filter((number) => !removed(number)));
    // Everything acknowledged, and at most the one commit that was on its way.
    expect(last).toBeGreaterThanOrEqual(acknowledged);
    expect(last).toBeLessThanOrEqual(acknowledged + 1);
    return last;
  } finally {
    rows.close();
  }
}

describe('a writer killed at any moment', () => {
  it('loses nothing that was acknowledged and leaves nothing half done, 50 times', async () => {
    const random = seeded(2026);
    freshHome();
    let last = -1;
    let written = 0;
    for (let turn = 0; turn < 50; turn++) {
      // A new home now and then, so that the making of the database is hit as well.
      if (turn % 10 === 0) {
        freshHome();
        last = -1;
      }
      const run = await write({ first: last + 1, after: random() * 60 });
      expect(run).toMatchObject({ opened: true, error: '' });
      written += run.acknowledged - last;
      last = survey(run.acknowledged);
    }
    expect(written).toBeGreaterThan(100);
    rmSync(folder, { recursive: true, force: true });
  });
});

const strace = spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;

/** Every so many calls would be thousands of runs; these hit the making, the log, the checkpoint and the close. */
const places = [1, 2, 3, 4, 6, 9, 13, 20, 31, 60, 110];

describe('a writer on a bad disk', () => {
  const inject = (fault: string): string[] => [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=pwrite64,fsync,fdatasync',
    '-e',
    `inject=${fault}`,
  ];

  it('killed inside the nth write, ends with the last commit or the one before', async ({ skip }) => {
    if (!strace) skip('strace is not installed or may not trace here');
    for (const place of places) {
      freshHome();
      const run = await write({ first: 0, count: 60, wrapper: inject(`pwrite64:signal=KILL:when=${place}`) });
      survey(run.acknowledged);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it.for([
    ['a full disk', 'pwrite64:error=ENOSPC', 'no-space'],
    ['writes that fail', 'pwrite64:error=EIO', 'internal'],
    ['syncs that fail', 'fdatasync,fsync:error=EIO', 'internal'],
  ] as const)('with %s says so, keeps what was acknowledged and opens again', async ([, fault, code], { skip }) => {
    if (!strace) skip('strace is not installed or may not trace here');
    for (const place of places) {
      freshHome();
      const run = await write({ first: 0, count: 60, wrapper: inject(`${fault}:when=${place}+`) });
      if (run.error) expect(run.error.trim()).toBe(code);
      survey(run.acknowledged);
      const rows = openRows(file);
      rows.commit([{ table: 'after', key: 'all', value: 'good again' }]);
      rows.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });
});
