/** The config center's way into containers, through the whole app on the memory engine: files, signals, values, guards, lost time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../../../src-main/app';
import { seeded } from '../../../src-main/base/random';
import type { ConfigItemDetail } from '../../../src-main/contract/api/config';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { appOver, caller } from '../../support/app';
import { FakeClock } from '../../support/clock';

let home: string;
let clock: FakeClock;
let engine: MemoryEngine;
let app: App;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'app-delivery-'));
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

const compose = `
name: shop
services:
  web:
    image: nginx:1
    deploy: { replicas: 3 }
    configs: [{ source: app, target: /etc/app.properties, mode: 0440, uid: '5' }]
    x-pilothouse:
      config:
        - { source: app, signal: HUP }
        - { item: shop/feature/flags, target: /etc/flags.json, exec: [sh, -c, 'exit 0'] }
  job:
    image: nginx:1
    environment: { LEVEL: 'at \${config:app#level}, not $\${config:app}' }
  bare: { image: nginx:1 }
configs:
  app: { external: true }
`;
const app1 = { namespace: 'shop', group: 'default', name: 'app' };
const flags = { namespace: 'shop', group: 'feature', name: 'flags' };
const apply = (text = compose): Promise<unknown> =>
  app.api.calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] }, name: 'shop' }, caller);
const settle = (): Promise<void> => clock.advance(60_000);
const detail = (item: typeof app1): Promise<ConfigItemDetail> => app.api.calls['config.get']({ item }, caller);
async function publish(item: typeof app1, text: string, how: object = {}): Promise<ConfigItemDetail> {
  const { release } = await detail(item);
  return app.api.calls['config.publish']({ item, text, note: '', expected: release, ...how }, caller);
}
async function create(): Promise<void> {
  const { calls } = app.api;
  const made = { text: '', schema: '', description: '' };
  await calls['config.create']({ item: app1, format: 'properties', ...made }, caller);
  await calls['config.create']({ item: flags, format: 'json', ...made }, caller);
  await publish(app1, 'level=info\n');
  await publish(flags, '{}');
}
const webs = ['shop.web.1.g1', 'shop.web.2.g1', 'shop.web.3.g1'];
const fileIn = (name: string, path: string): string | undefined => {
  const file = engine.daemon.get(name).files.get(path);
  return file && Buffer.from(file.content).toString();
};
const told = (): string[][] => webs.map((name) => engine.daemon.get(name).told);
async function users(item: typeof app1): Promise<(string | number)[][]> {
  return (await detail(item)).userList.map(({ who, via, release, wanted }) => [who, via, release, wanted]);
}
const writes = (verb: string): number => engine.deeds.filter((deed) => deed.verb === verb).length;

describe('items of the config center', () => {
  it('must be there before a project that names them is applied', async () => {
    await expect(apply()).rejects.toMatchObject({
      problem: { code: 'not-found', message: 'The config center has no released item shop/default/app' },
    });
    await create();
    await expect(apply(compose.replace('app#level', 'app#colour'))).rejects.toThrow(/no key colour/);
    const inMemory = compose.replace(
      '    image: nginx:1\n    deploy',
      '    image: nginx:1\n    tmpfs: [/etc]\n    deploy',
    );
    await expect(apply(inMemory)).rejects.toThrow(/memory-backed/);
  });

  it('are files from the start, and are replaced, told of and acknowledged when they are released', async () => {
    await create();
    await apply();
    await settle();
    expect(webs.map((name) => fileIn(name, '/etc/app.properties'))).toEqual(Array(3).fill('level=info\n'));
    expect(engine.daemon.get(webs[0] ?? '').files.get('/etc/app.properties')).toMatchObject({ mode: 0o440, uid: 5 });
    expect(await users(flags)).toEqual([1, 2, 3].map((slot) => [`shop/web.${slot}`, 'file', 1, 1]));
    expect(writes('replaceFile')).toBe(0);

    await publish(app1, 'level=debug\n');
    await settle();
    expect(webs.map((name) => fileIn(name, '/etc/app.properties'))).toEqual(Array(3).fill('level=debug\n'));
    expect(told()).toEqual(Array(3).fill(['SIGHUP']));
    expect(writes('replaceFile')).toBe(3);
    expect((await users(app1)).filter(([, via]) => via === 'file')).toEqual(
      [1, 2, 3].map((slot) => [`shop/web.${slot}`, 'file', 2, 2]),
    );
    // Nobody was replaced, and what did not change was not written.
    expect((await engine.list()).map(({ name }) => name).sort()).toContain('shop.web.3.g1');
    expect((await detail(app1)).current).toBe(4);
    await clock.advance(600_000);
    expect(writes('replaceFile')).toBe(3);
  });

  it('reach the environment by an ordinary rollout, of those only whose value changed', async () => {
    await create();
    await apply();
    await settle();
    const level = (name: string): string | undefined => engine.daemon.get(name).environment['LEVEL'];
    expect(level('shop.job.1.g1')).toBe('at info, not ${config:app}');
    await publish(app1, 'level=info\nother=1\n');
    await settle();
    expect(level('shop.job.1.g1')).toBe('at info, not ${config:app}');
    await publish(app1, 'level=warn\n');
    await settle();
    expect(level('shop.job.1.g2')).toBe('at warn, not ${config:app}');
    expect((await users(app1)).find(([, via]) => via === 'environment')).toEqual(['shop/job.1', 'environment', 3, 3]);
    expect(await apply()).toMatchObject({ changed: false });
    await app.api.calls['rollouts.undo']({ service: 'shop/job' }, caller);
    await settle();
    expect(level('shop.job.1.g3')).toBe('at info, not ${config:app}');
  });

  it('catch up who missed a release, and write nothing again after a restart', async () => {
    await create();
    await apply();
    await settle();
    await app.stop();
    app = await open();
    await settle();
    expect(writes('replaceFile')).toBe(0);
    engine.hand.remove('shop.web.2.g1');
    await engine.hand.restartDaemon({ liveRestore: true });
    await publish(app1, 'level=debug\n');
    await app.stop();
    app = await open();
    await settle();
    const now = (await engine.list()).filter(({ name }) => name.startsWith('shop.web'));
    expect(now.map(({ name }) => fileIn(name, '/etc/app.properties'))).toEqual(Array(3).fill('level=debug\n'));
    expect((await detail(app1)).userList.every(({ release, wanted }) => release === wanted)).toBe(true);
  });

  it('stay while they are used', async () => {
    await create();
    await apply();
    await settle();
    const remove = (): Promise<unknown> => app.api.calls['config.remove']({ item: app1, expected: 1 }, caller);
    await expect(remove()).rejects.toThrow('shop/default/app is used by shop/job, shop/web.');
    await app.api.calls['stacks.remove']({ stack: 'shop', volumes: false }, caller);
    await settle();
    await remove();
  });

  it('say who did not get them and why, try again, and go on without those', async () => {
    await create();
    await apply();
    await settle();
    engine.faults.add({ verbs: ['replaceFile'], name: 'shop.web.2.g1', does: 'fail', error: 'no-space', times: 2 });
    await publish(app1, 'level=debug\n');
    await clock.advance(500);
    const failed = (await detail(app1)).userList.filter(({ problem }) => problem);
    expect(failed).toMatchObject([
      { who: 'shop/web.2', release: 1, wanted: 2, problem: { code: 'config.fileFailed' } },
    ]);
    expect(fileIn('shop.web.3.g1', '/etc/app.properties')).toBe('level=debug\n');
    await settle();
    expect(fileIn('shop.web.2.g1', '/etc/app.properties')).toBe('level=debug\n');
    expect((await detail(app1)).current).toBe(4);
    const events = await app.api.calls['events.list']({ limit: 200 }, caller);
    expect(events.filter(({ kind }) => kind === 'config.notTaken').length).toBe(1);
  });

  it('given to some stay with those, and a wider share writes nobody anew', async () => {
    await create();
    await apply();
    await settle();
    const gray = { ips: [], labels: [], replicas: ['shop/web.2'], share: 0 };
    const affected = await app.api.calls['config.affected']({ item: app1, gray, first: false }, caller);
    expect(affected.map(({ who }) => who)).toEqual(['shop/web.2']);
    await publish(app1, 'level=debug\n', { gray });
    await settle();
    const texts = (): unknown[] => webs.map((name) => fileIn(name, '/etc/app.properties'));
    expect(texts()).toEqual(['level=info\n', 'level=debug\n', 'level=info\n']);
    const before = await detail(app1);
    await app.api.calls['config.widen']({ item: app1, expected: before.release, note: '' }, caller);
    await settle();
    expect(texts()).toEqual(Array(3).fill('level=debug\n'));
    // The one that had this very text only got another number.
    expect(told().map((signals) => signals.length)).toEqual([1, 1, 1]);
    expect((await users(app1)).map(([, , release]) => release)).toEqual([3, 3, 3, 3]);
  });

  it('under guard touch one replica, and are withdrawn from it when it does not stay well', async () => {
    await create();
    await apply();
    await settle();
    await publish(app1, 'level=nonsense\n', { guard: { watch: 30_000, errors: 5, slower: 0, failed: 100 } });
    await clock.advance(3000);
    expect(webs.filter((name) => fileIn(name, '/etc/app.properties') === 'level=nonsense\n')).toEqual([webs[0]]);
    engine.hand.killProcess('shop.web.1.g1', 1);
    await settle();
    const after = await detail(app1);
    expect(after.gray).toBeUndefined();
    expect(after.guards[0]?.guard.state).toBe('withdrawn');
    expect(told().slice(1)).toEqual([[], []]);
    const first = (await engine.list()).filter(
      ({ name, state }) => name.startsWith('shop.web.1') && state === 'running',
    );
    expect(first.map(({ name }) => fileIn(name, '/etc/app.properties'))).toEqual(['level=info\n']);
    expect(after.userList.every(({ release, wanted }) => wanted === 1 && release === wanted)).toBe(true);
  });

  it('under guard are widened when the one stays well', async () => {
    await create();
    await apply();
    await settle();
    const first = await app.api.calls['config.affected']({ item: app1, first: true }, caller);
    expect(first.map(({ who }) => who)).toEqual(['shop/web.1']);
    await publish(app1, 'level=debug\n', { guard: { watch: 10_000, errors: 5, slower: 0, failed: 100 } });
    await settle();
    expect((await detail(app1)).guards[0]?.guard.state).toBe('widened');
    expect(webs.map((name) => fileIn(name, '/etc/app.properties'))).toEqual(Array(3).fill('level=debug\n'));
  });

  it('end up in every replica, whatever happens on the way, and never go backwards in one container', async () => {
    await create();
    await apply();
    await settle();
    const random = seeded(5);
    const pick = (most: number): number => Math.floor(random() * most);
    const key = 'shop/default/app';
    const seen = new Map<string, number>();
    const look = async (): Promise<void> => {
      const { release, gray } = await detail(app1);
      for (const { name, id } of await engine.list()) {
        const text = fileIn(id, '/etc/app.properties');
        const number = Number(/n=(\d+)/.exec(text ?? '')?.[1] ?? 0);
        // Only the end of a gray release brings an older text back.
        if (gray || release === 0) continue;
        expect([key, name, number >= (seen.get(id) ?? 0)]).toEqual([key, name, true]);
        seen.set(id, number);
      }
    };
    let serial = 0;
    for (let act = 0; act < 24; act += 1) {
      const slot = 1 + pick(3);
      const { calls } = app.api;
      const running = (await engine.list()).find(({ name }) => name.startsWith(`shop.web.${slot}.`));
      const acts: (() => Promise<unknown> | void)[] = [
        () => publish(app1, `level=info\nn=${++serial}\n`),
        () => publish(app1, `level=info\nn=${++serial}\n`),
        async () => {
          await publish(app1, `level=info\nn=${serial}\n`, {
            gray: { ips: [], labels: [], replicas: [`shop/web.${slot}`], share: 0 },
          });
          await clock.advance(1000);
          const { release } = await detail(app1);
          await calls['config.widen']({ item: app1, expected: release, note: '' }, caller);
        },
        () => (running ? engine.hand.killProcess(running.id, 1) : undefined),
        () => (running ? engine.hand.remove(running.id) : undefined),
        () => void engine.faults.add({ verbs: ['replaceFile'], does: 'lose', times: 2 }),
        () => void engine.faults.add({ verbs: ['replaceFile'], does: 'fail', error: 'refused', times: 2 }),
        () => void engine.hand.restartDaemon({ liveRestore: pick(2) === 0 }),
        () => calls['services.scale']({ service: 'shop/web', replicas: 2 + pick(3) }, caller),
        async () => {
          await app.stop();
          app = await open();
        },
      ];
      await acts[pick(acts.length)]?.();
      await clock.advance(pick(4000));
      await look();
    }
    await clock.advance(150_000);
    await look();
    const { released } = await detail(app1);
    const left = (await engine.list()).filter(({ name, state }) => name.startsWith('shop.web.') && state === 'running');
    expect(left.length).toBeGreaterThan(1);
    expect(left.map(({ id }) => fileIn(id, '/etc/app.properties'))).toEqual(left.map(() => released));
    const { userList } = await detail(app1);
    expect(userList.filter(({ release, wanted, problem }) => release !== wanted || problem)).toEqual([]);
    const before = writes('replaceFile');
    await clock.advance(90_000);
    expect(writes('replaceFile')).toBe(before);
  });
});
