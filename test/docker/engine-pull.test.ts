/** Pulling from a registry that wants a login. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PullProgress } from '../../src-main/core/engine';
import { testEngine } from '../support/engine';
import { codeOf, engineKit } from './engine-kit';

const { engine } = engineKit();
let registry: ChildProcess;
let host = '';
let folder = '';

beforeAll(async () => {
  const [program = '', ...argv] = testEngine().runInNamespace([
    process.execPath,
    join(__dirname, 'engine-registry.mjs'),
  ]);
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  registry = child;
  const port = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim())),
  );
  host = `localhost:${port}`;
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-login-'));
  process.env['DOCKER_CONFIG'] = folder;
});

afterAll(async () => {
  registry.kill();
  delete process.env['DOCKER_CONFIG'];
  rmSync(folder, { recursive: true, force: true });
  await engine().removeImage(`${host}/shop/app:1`, true);
});

const logIn = (password: string): void =>
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ auths: { [host]: { auth: Buffer.from(`me:${password}`).toString('base64') } } }),
  );

describe('a pull', () => {
  it('without the right login is denied', async () => {
    writeFileSync(join(folder, 'config.json'), '{}');
    expect(await codeOf(engine().pull(`${host}/shop/app:1`, {}))).toBe('denied');
    logIn('wrong');
    expect(await codeOf(engine().pull(`${host}/shop/app:1`, {}))).toBe('denied');
  });

  it('brings the image and tells how far it is', async () => {
    logIn('s3cret');
    const seen: PullProgress[] = [];
    await engine().pull(`${host}/shop/app:1`, { progress: (progress) => seen.push(progress) });
    expect(await engine().inspectImage(`${host}/shop/app:1`)).toMatchObject({ labels: { tag: '1' } });
    expect(seen.length).toBeGreaterThan(2);
    const done = seen.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((one, other) => one - other));
    const last = seen.at(-1);
    expect(last?.total).toBeGreaterThan(1_700_000);
    expect(last?.done).toBe(last?.total);
  });

  it('of what is not there is no image', async () => {
    logIn('s3cret');
    expect(await codeOf(engine().pull(`${host}/shop/app:none`, {}))).toBe('no-image');
  });

  it('can be cancelled', async () => {
    logIn('s3cret');
    await engine().removeImage(`${host}/shop/app:1`, true);
    const controller = new AbortController();
    const pull = codeOf(engine().pull(`${host}/shop/app:1`, { progress: () => controller.abort() }, controller.signal));
    expect(await pull).toBe('timeout');
    expect(await engine().inspectImage(`${host}/shop/app:1`)).toBeUndefined();
  });
});
