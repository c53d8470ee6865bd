import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller, Sink } from '../../../../src-main/contract/api';
import type { ListChange } from '../../../../src-main/contract/api/stacks';
import { PilothouseError, type Problem } from '../../../../src-main/contract/errors';
import type { PlanView, ServiceView, StackSource } from '../../../../src-main/contract/nouns';
import { say } from '../../../../src-main/contract/sentence';
import { stackHandlers, type StackHandlers } from '../../../../src-main/core/reconcile';
import { TestWorld } from './bench';

let world: TestWorld;
let handlers: StackHandlers;
let reachable: boolean;
const caller: Caller = { kind: 'app', signal: { aborted: false, addEventListener() {}, removeEventListener() {} } };

beforeEach(() => {
  reachable = true;
  world = new TestWorld({
    images: [
      { reference: 'web:1' },
      { reference: 'db:1' },
      { reference: 'crash:1', program: { exit: { after: 100, code: 127 } } },
    ],
  }).start();
  handlers = stackHandlers({
    store: world.store,
    clock: world.clock,
    engine: () => (reachable ? world.engine : undefined),
    engineId: () => world.engine.id,
    controller: () => world.controller,
    lastLines: () => Promise.resolve(['first line', 'panic: no such table']),
  });
});
afterEach(() => world.dispose());

function source(text: string): StackSource {
  return { files: [{ name: 'compose.yaml', text }] };
}

const shop = `
name: shop
services:
  web:
    image: web:1
    deploy: {replicas: 3}
    depends_on: [db]
  db:
    image: db:1
    volumes: [data:/data]
volumes: {data: {}}
`;

async function refused(work: Promise<unknown>): Promise<Problem> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PilothouseError)) throw new Error(`expected a problem, got ${String(error)}`);
  return error.problem;
}

function shown(plan: PlanView): string[] {
  return plan.actions.map((action) => `${action.verb} ${action.noun} ${action.name}: ${say(action.words)}`);
}

const call = {
  apply: (text: string, more: { token?: string; ifVersion?: number } = {}) =>
    handlers.calls['stacks.apply']({ source: source(text), ...more }, caller),
  plan: (text: string) => handlers.calls['stacks.plan']({ source: source(text) }, caller),
};

describe('plan and apply', () => {
  it('shows what a first apply creates, and does just that (I22)', async () => {
    const plan = await call.plan(shop);
    expect(shown(plan)).toEqual([
      'create network shop_default: Create network',
      'create volume shop_data: Create volume',
      'create service shop/web: Create 3 replicas of web:1',
      'create service shop/db: Create 1 replicas of db:1',
    ]);
    expect(world.engine.writes).toBe(0);
    const done = await call.apply(shop, { token: plan.token, ifVersion: 0 });
    expect(done).toMatchObject({ stack: 'shop', version: 1, changed: true });
    await world.well();
    expect(world.containers('running')).toHaveLength(4);
    const again = await call.plan(shop);
    expect(again.actions.every((action) => action.verb === 'keep')).toBe(true);
    expect(await call.apply(shop)).toMatchObject({ version: 1, changed: false });
  });

  it('names replaced, scaled and removed services with the fields that differ, secrets hidden', async () => {
    await call.apply(shop);
    await world.well();
    const plan = await call.plan(`
name: shop
services:
  web: {image: web:1, deploy: {replicas: 5}, depends_on: [], environment: {DB_PASSWORD: hunter2}}
`);
    expect(shown(plan)).toEqual([
      'keep network shop_default: Unchanged',
      'keep volume shop_data: Keep volume and its data',
      'replace service shop/web: Replace 3 replicas, stop-first, 1 at a time',
      'remove service shop/db: Stop and remove 1 replicas',
    ]);
    const web = plan.actions.find((action) => action.name === 'shop/web');
    expect(web?.changes).toContainEqual({ path: 'environment.DB_PASSWORD', to: '••••' });
    expect(JSON.stringify(plan)).not.toContain('hunter2');
    expect(plan.actions.at(-1)?.destructive).toBe(true);
  });

  it('refuses an apply whose plan is out of date, or whose version moved on', async () => {
    const plan = await call.plan(shop);
    await call.apply(shop);
    await world.well();
    expect(await refused(call.apply(shop.replace('3', '4'), { token: plan.token }))).toMatchObject({
      code: 'conflict',
    });
    expect(await refused(call.apply(shop, { ifVersion: 0 }))).toMatchObject({ code: 'conflict' });
    expect(await refused(call.apply(shop, { ifVersion: 7 }))).toMatchObject({ code: 'conflict' });
  });

  it('answers bad files with every problem and its place', async () => {
    const problem = await refused(call.apply('name: x\nservices:\n  web:\n    imagee: x\n    ports: ["a:b"]\n'));
    expect(problem.code).toBe('bad-input');
    expect(problem.where?.line).toBeGreaterThan(0);
    const check = await handlers.calls['stacks.check'](
      { source: source('services: {web: {image: web:1}}\n'), name: 'x' },
      caller,
    );
    expect(check).toMatchObject({ name: 'x', problems: [] });
    expect(check.resolved).toContain('web:1');
  });

  it('refuses what it could not run honestly, and warns of what it cannot do', async () => {
    const secret = `
name: shop
services: {web: {image: web:1, secrets: [key]}}
secrets: {key: {environment: KEY}}
`;
    expect(
      await refused(
        handlers.calls['stacks.apply']({ source: { ...source(secret), environment: { KEY: 'v' } } }, caller),
      ),
    ).toMatchObject({
      code: 'unsupported',
    });
    const plan = await call.plan(shop.replace('depends_on: [db]', 'ports: ["8080:80"]'));
    expect(plan.warnings.map((warning) => warning.message).join()).toContain(
      'Port 8080 of web leads to its first replica only',
    );
  });

  it('removes a stack, keeps volumes, and shows so before', async () => {
    await call.apply(shop);
    await world.well();
    const plan = await handlers.calls['stacks.planRemove']({ stack: 'shop', volumes: false }, caller);
    expect(shown(plan)).toContain('keep volume shop_data: Keep volume and its data');
    await handlers.calls['stacks.remove']({ stack: 'shop', volumes: false }, caller);
    expect(await refused(call.apply(shop))).toMatchObject({ code: 'conflict' });
    await world.clock.until(() => world.store.keys('stacks').length === 0);
    expect(world.containers()).toEqual([]);
    expect(await handlers.calls['stacks.list']({}, caller)).toEqual([]);
    expect(await refused(handlers.calls['stacks.remove']({ stack: 'shop', volumes: false }, caller))).toMatchObject({
      code: 'not-found',
    });
  });
});

describe('acts on services', () => {
  beforeEach(async () => {
    await call.apply(shop);
    await world.well();
  });

  it('scales; a re-apply keeps the count unless the declared one changed', async () => {
    expect(await handlers.calls['services.scale']({ service: 'shop/web', replicas: 5 }, caller)).toEqual({
      from: 3,
      to: 5,
    });
    await world.well();
    expect(world.view('shop/web')).toMatchObject({ replicas: 5, ready: 5, declared: 3 });
    await call.apply(shop.replace('db:1', 'db:1\n    environment: {A: b}'));
    await world.well();
    expect(world.view('shop/web')).toMatchObject({ replicas: 5 });
    await call.apply(shop.replace('replicas: 3', 'replicas: 2'));
    await world.well();
    expect(world.view('shop/web')).toMatchObject({ replicas: 2, ready: 2 });
  });

  it('stops and starts', async () => {
    await handlers.calls['services.stop']({ service: 'shop/web' }, caller);
    await world.well();
    expect(world.view('shop/web')).toMatchObject({ stopped: true, health: 'off', words: { code: 'service.stopped' } });
    await world.clock.advance(120_000);
    expect(world.containers()).toEqual(['shop.db.1.g1']);
    await handlers.calls['services.start']({ service: 'shop/web' }, caller);
    await world.well();
    expect(world.view('shop/web')).toMatchObject({ ready: 3 });
  });

  it('restarts a service, and a single replica', async () => {
    await handlers.calls['replicas.restart']({ replica: 'shop/web.2' }, caller);
    await world.clock.advance(100);
    await world.well();
    expect(world.containers('running')).toContain('shop.web.2.g2');
    expect(world.containers('running')).toContain('shop.web.1.g1');
    await handlers.calls['services.restart']({ service: 'shop/web' }, caller);
    await world.clock.until(() => world.containers('running').includes('shop.web.1.g2') && world.controller.idle);
    await world.well();
    expect(world.containers('running').filter((name) => name.includes('.web.'))).toEqual([
      'shop.web.1.g2',
      'shop.web.2.g3',
      'shop.web.3.g2',
    ]);
    const kinds = world.store.all('events').filter((event) => event.kind === 'service.restarted');
    expect(kinds).toHaveLength(1);
  });

  it('keeps revisions, undoes to the last stable one, and says what it cannot', async () => {
    await world.clock.advance(10_000);
    await call.apply(shop.replace('image: web:1', 'image: crash:1'));
    await world.clock.until(() => world.store.get('rollouts', 'shop/web')?.state === 'paused');
    expect(await refused(handlers.calls['rollouts.pause']({ service: 'shop/web' }, caller))).toMatchObject({
      code: 'conflict',
    });
    expect(await handlers.calls['rollouts.undo']({ service: 'shop/web' }, caller)).toEqual({ to: 1 });
    await world.well();
    expect(world.store.get('rollouts', 'shop/web')?.state).toBe('rolled-back');
    const revisions = await handlers.calls['services.revisions']({ service: 'shop/web' }, caller);
    expect(revisions.map((one) => [one.revision, one.stable, one.active, one.image])).toEqual([
      [2, false, false, 'crash:1'],
      [1, true, true, 'web:1'],
    ]);
    expect(await refused(handlers.calls['rollouts.undo']({ service: 'shop/web', revision: 9 }, caller))).toMatchObject({
      code: 'not-found',
    });
    expect(await refused(handlers.calls['rollouts.promote']({ service: 'shop/web' }, caller))).toMatchObject({
      code: 'conflict',
    });
    expect((await handlers.calls['services.yaml']({ service: 'shop/web' }, caller)).yaml).toContain('web:1');
  });

  it('pauses and resumes a rollout', async () => {
    await world.clock.advance(10_000);
    const slow = shop.replace(
      'deploy: {replicas: 3}',
      'deploy: {replicas: 3, update_config: {parallelism: 1, delay: 20s}}\n    environment: {V: "2"}',
    );
    await call.apply(slow);
    await world.clock.advance(5000);
    await handlers.calls['rollouts.pause']({ service: 'shop/web' }, caller);
    const before = world.containers('running');
    await world.clock.advance(200_000);
    expect(world.containers('running')).toEqual(before);
    await handlers.calls['rollouts.resume']({ service: 'shop/web' }, caller);
    await world.clock.until(() => world.store.get('rollouts', 'shop/web')?.state === 'done');
  });

  it('links effects to the act that caused them', async () => {
    await handlers.calls['services.scale']({ service: 'shop/web', replicas: 4 }, caller);
    await world.well();
    await world.clock.advance(1000);
    const events = world.store.all('events');
    const scaled = events.find((event) => event.kind === 'service.scaled');
    const created = events.find((event) => event.replica === 'shop/web.4' && event.kind === 'replica.created');
    const started = events.find((event) => event.replica === 'shop/web.4' && event.kind === 'replica.started');
    expect(created?.cause).toBe(scaled?.id);
    expect(started?.cause).toBe(created?.id);
    expect(events.length).toBeLessThan(100);
  });

  it('answers for what is not there', async () => {
    for (const work of [
      handlers.calls['services.get']({ service: 'shop/nope' }, caller),
      handlers.calls['services.scale']({ service: 'nope/nope', replicas: 1 }, caller),
      handlers.calls['replicas.get']({ replica: 'shop/web.77' }, caller),
      handlers.calls['stacks.get']({ stack: 'nope' }, caller),
    ]) {
      expect(await refused(work)).toMatchObject({ code: 'not-found' });
    }
    const got = await handlers.calls['stacks.get']({ stack: 'shop' }, caller);
    expect(got.resolved).toContain('db:1');
    expect(got.view.services).toBe(2);
  });
});

describe('explain', () => {
  it('joins exit code, last lines and back-off into a cause with fixes', async () => {
    await call.apply('name: bad\nservices: {app: {image: "crash:1"}}\n');
    await world.clock.advance(20_000);
    const told = await handlers.calls['services.explain']({ service: 'bad/app' }, caller);
    expect(told.health).toBe('critical');
    expect(told.cause.map(say)).toContain('Its command does not exist in the image');
    expect(told.evidence.map((one) => one.text)).toContain('panic: no such table');
    expect(told.ruledOut.map(say)).toContain('it was not out of memory');
    expect(told.fixes.filter((fix) => fix.primary)).toHaveLength(1);
  });

  it('explains a taken port, a missing image, a wait and an engine that is away', async () => {
    world.engine.hand.stealPort(8080);
    world.engine.hand.dropImage('db:1');
    await call.apply(shop.replace('depends_on: [db]', 'depends_on: [db]\n    ports: ["8080:80"]'));
    await call.apply('name: two\nservices: {app: {image: "web:1", ports: ["8080:80"]}}\n');
    await world.clock.advance(5000);
    const why = async (service: string) =>
      (await handlers.calls['services.explain']({ service }, caller)).cause.map((one) => one.code);
    expect(await why('two/app')).toEqual(expect.arrayContaining(['replica.portTaken', 'explain.portTaken']));
    expect(await why('shop/db')).toEqual(expect.arrayContaining(['replica.imageMissing', 'explain.imageMissing']));
    const waits = await handlers.calls['services.explain']({ service: 'shop/web' }, caller);
    expect(waits.fixes[0]?.route).toBe('/services/shop/db');
    reachable = false;
    expect(await why('two/app')).toContain('explain.away');
  });
});

describe('watching', () => {
  it('sends everything first, then only what changed, at most ten times a second', async () => {
    const items: { at: number; change: ListChange<ServiceView> }[] = [];
    const sink: Sink<ListChange<ServiceView>> = {
      send: (change) => void items.push({ at: world.clock.monotonic(), change }),
      credit: () => 100,
      onCredit: () => ({ dispose() {} }),
      end() {},
      fail() {},
    };
    const stop = handlers.streams['services.watch']({}, sink, caller);
    await call.apply(shop);
    await world.well();
    await world.clock.advance(1000);
    expect(items[0]?.change).toEqual({ reset: true, put: [], gone: [] });
    const gaps = items.slice(1).map((item, index) => item.at - (items[index]?.at ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(100);
    expect(
      items
        .at(-1)
        ?.change.put.map((row) => row.key)
        .sort()
        .join(),
    ).toMatch(/shop\/(db|web)/);
    const quiet = items.length;
    await world.clock.advance(600_000);
    expect(items.length).toBe(quiet);
    await handlers.calls['stacks.remove']({ stack: 'shop', volumes: false }, caller);
    await world.clock.until(() => world.store.keys('stacks').length === 0);
    await world.clock.advance(200);
    expect(items.flatMap((item) => item.change.gone).sort()).toEqual(['shop/db', 'shop/web']);
    stop.dispose();
  });
});
