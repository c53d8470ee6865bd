/** Secrets through the whole app on the memory engine: pinned, delivered, rotated, forgotten. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../../../src-main/app';
import { seeded } from '../../../src-main/base/random';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { appOver, caller } from '../../support/app';
import { FakeClock } from '../../support/clock';

let home: string;
let clock: FakeClock;
let engine: MemoryEngine;
let app: App;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'app-secrets-'));
  clock = new FakeClock();
  engine = new MemoryEngine({ clock, random: seeded(1) });
  app = await open();
});
afterEach(async () => {
  await app.stop();
  rmSync(home, { recursive: true, force: true });
});

async function open(): Promise<App> {
  const made = await appOver(engine, {
    home,
    clock,
    random: seeded(2),
  });
  await made.start();
  await clock.advance(500);
  return made;
}

const compose = (value: string): { files: { name: string; text: string }[]; environment: Record<string, string> } => ({
  files: [
    {
      name: 'compose.yaml',
      text: `
name: shop
services:
  db: { image: postgres:16, secrets: [password, { source: shared, target: other, mode: 0400, uid: '5' }] }
  web: { image: nginx:1, secrets: [password] }
  bare: { image: nginx:1 }
secrets:
  password: { environment: PASSWORD }
  shared: { external: true }
`,
    },
  ],
  environment: { PASSWORD: value },
});
const apply = (value: string): Promise<unknown> =>
  app.api.calls['stacks.apply']({ source: compose(value), name: 'shop' }, caller);
const set = (name: string, value: string): Promise<{ version: number; users: string[] }> =>
  app.api.calls['secrets.set']({ name, value }, caller);
const settle = async (): Promise<void> => clock.advance(120_000);
async function running(): Promise<string[]> {
  const rows = await engine.list();
  return rows.filter(({ state }) => state === 'running').map(({ name }) => name);
}
function filesIn(name: string): Record<string, string> {
  const { files } = engine.daemon.get(name);
  return Object.fromEntries([...files].map(([path, file]) => [path, Buffer.from(file.content).toString()]));
}

describe('secrets in the app', () => {
  it('reach the containers that name them, and only those', async () => {
    await set('shared', 'one');
    await apply('pw');
    await settle();
    expect((await running()).sort()).toEqual(['shop.bare.1.g1', 'shop.db.1.g1', 'shop.web.1.g1']);
    expect(filesIn('shop.db.1.g1')).toEqual({ '/run/secrets/password': 'pw', '/run/secrets/other': 'one' });
    expect(filesIn('shop.web.1.g1')).toEqual({ '/run/secrets/password': 'pw' });
    expect(engine.daemon.get('shop.db.1.g1').files.get('/run/secrets/other')).toMatchObject({ mode: 0o400, uid: 5 });
    const { secrets } = await app.api.calls['secrets.list']({}, caller);
    expect(secrets.map(({ name, stack, users }) => [name, stack, users])).toEqual([
      ['shared', undefined, ['shop/db']],
      ['shop_password', 'shop', ['shop/db', 'shop/web']],
    ]);
  });

  it('roll only their users when they change, by hand or in the project', async () => {
    await set('shared', 'one');
    await apply('pw');
    await settle();
    expect(await set('shared', 'two')).toMatchObject({ version: 2, users: ['shop/db'] });
    await settle();
    expect((await running()).sort()).toEqual(['shop.bare.1.g1', 'shop.db.1.g2', 'shop.web.1.g1']);
    expect(filesIn('shop.db.1.g2')['/run/secrets/other']).toBe('two');
    // The same values again change nothing.
    expect(await set('shared', 'two')).toMatchObject({ version: 2, changed: false });
    expect(await apply('pw')).toMatchObject({ changed: false });
    await apply('new');
    await settle();
    expect((await running()).sort()).toEqual(['shop.bare.1.g1', 'shop.db.1.g3', 'shop.web.1.g2']);
    expect(filesIn('shop.web.1.g2')).toEqual({ '/run/secrets/password': 'new' });
    // Going back brings the old value back.
    await app.api.calls['rollouts.undo']({ service: 'shop/web' }, caller);
    await settle();
    expect(filesIn('shop.web.1.g3')).toEqual({ '/run/secrets/password': 'pw' });
  });

  it('survive a restart sealed, and a kept source can be applied without its variables', async () => {
    await set('shared', 'canary-one');
    await apply('canary-two');
    await settle();
    const { source } = await app.api.calls['stacks.get']({ stack: 'shop' }, caller);
    expect(source.environment).toEqual({});
    await app.stop();
    for (const entry of readdirSync(home, { withFileTypes: true, recursive: true }))
      if (entry.isFile()) expect(readFileSync(join(entry.parentPath, entry.name)).includes('canary-')).toBe(false);
    app = await open();
    const again = await app.api.calls['stacks.apply']({ source, name: 'shop' }, caller);
    expect(again).toMatchObject({ changed: false });
    const purpose = 'a test';
    expect(await app.api.calls['secrets.reveal']({ name: 'shared', purpose }, caller)).toMatchObject({
      value: 'canary-one',
    });
  });

  it('say what is missing before anything is done, and stay while they are used', async () => {
    await expect(apply('pw')).rejects.toThrow('There is no secret shared in the vault');
    await set('shared', 'one');
    await apply('pw');
    await settle();
    await expect(app.api.calls['secrets.remove']({ name: 'shared' }, caller)).rejects.toThrow('used by shop/db');
    await app.api.calls['stacks.remove']({ stack: 'shop', volumes: false }, caller);
    await settle();
    // What the stack brought goes with it; the user's own stays until he removes it.
    const { secrets } = await app.api.calls['secrets.list']({}, caller);
    expect(secrets.map(({ name }) => name)).toEqual(['shared']);
    expect((await engine.volumes()).filter(({ name }) => name.endsWith('.secrets'))).toEqual([]);
    await app.api.calls['secrets.remove']({ name: 'shared' }, caller);
  });

  it('never lets two editors overwrite each other, nor one stack take another one’s secret', async () => {
    await set('shared', 'one');
    const stale = app.api.calls['secrets.set']({ name: 'shared', value: 'x', ifVersion: 0 }, caller);
    await expect(stale).rejects.toThrow(/at version 1/);
    await set('shop_password', 'mine');
    await expect(apply('pw')).rejects.toThrow(/of another owner/);
  });
});
