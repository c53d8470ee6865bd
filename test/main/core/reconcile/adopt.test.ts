import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../../src-main/contract/api';
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { CreateContainer } from '../../../../src-main/core/engine';
import { stackHandlers, type StackHandlers } from '../../../../src-main/core/reconcile';
import { containerRequest } from '../../engine/docker/request';
import { TestWorld } from './bench';

let world: TestWorld;
let handlers: StackHandlers;
const caller: Caller = { kind: 'app', signal: { aborted: false, addEventListener() {}, removeEventListener() {} } };

beforeEach(() => {
  world = new TestWorld({ images: [{ reference: 'web:1' }, { reference: 'db:1' }] }).start();
  handlers = stackHandlers({
    store: world.store,
    clock: world.clock,
    engine: () => world.engine,
    engineId: () => world.engine.id,
    controller: () => world.controller,
  });
});
afterEach(() => world.dispose());

type Change = Parameters<typeof containerRequest>[0];

/** A container somebody else made and started. */
async function foreign(name: string, change: Change = {}): Promise<string> {
  const request: CreateContainer = containerRequest({ image: 'web:1', ...change, name });
  const { id } = await world.engine.create(request);
  await world.engine.start(id);
  return id;
}

function composeLabels(service: string, number: number, more: Record<string, string> = {}): Record<string, string> {
  return {
    'com.docker.compose.project': 'old',
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
    ...more,
  };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof PilothouseError ? thrown.problem.code : String(thrown)),
  );

describe('adopting running containers', () => {
  it('takes a Compose project over without one engine write, and heals, scales and removes it from then on', async () => {
    const one = await foreign('old-web-1', {
      labels: composeLabels('web', 1, { 'com.docker.compose.depends_on': 'db:service_started:false' }),
      environment: { MODE: 'a$b' },
      host: { ports: [{ target: 80, protocol: 'tcp', published: 8080 }] },
    });
    const two = await foreign('old-web-2', {
      labels: composeLabels('web', 2),
      environment: { MODE: 'a$b' },
      host: { ports: [{ target: 80, protocol: 'tcp', published: 8081 }] },
    });
    const db = await foreign('old-db-1', { labels: composeLabels('db', 1), image: 'db:1' });
    await world.clock.settle();
    world.engine.forgetDeeds();

    const plan = await handlers.calls['stacks.planAdopt']({ containers: [two, one, db], name: 'old' }, caller);
    expect(plan.containers.map(({ name, service, slot }) => `${name} ${service}.${slot}`)).toEqual([
      'old-web-1 web.1',
      'old-web-2 web.2',
      'old-db-1 db.1',
    ]);
    expect(plan.leftOut).toEqual([]);
    expect(plan.yaml).toContain('published: "8080-8081"');
    const done = await handlers.calls['stacks.adopt']({ containers: [one, two, db], name: 'old' }, caller);
    expect(done).toEqual({ stack: 'old', adopted: 3, leftOut: 0 });
    await world.well();
    await world.clock.advance(120_000);
    expect(world.engine.deeds).toEqual([]);
    expect(world.view('old/web')).toMatchObject({ ready: 2, health: 'ok', dependsOn: ['db'] });
    expect(world.store.get('revisions', 'old/web@1')?.spec.environment).toEqual({ MODE: 'a$b' });

    // Killed from outside, it comes back like any other; it is still the same container.
    world.engine.hand.kill('old-web-2');
    await world.clock.advance(5_000);
    expect(world.containers('running')).toContain('old-web-2');
    // Removed from outside, its slot is filled anew, with a name and labels of ours.
    world.engine.hand.remove(db);
    await world.clock.advance(5_000);
    expect(world.containers('running')).toContain('old.db.1.g2');
    world.scale('old/web', 1);
    await world.clock.advance(30_000);
    expect(world.containers('running')).toEqual(['old-web-1', 'old.db.1.g2']);
    world.remove('old');
    await world.clock.advance(60_000);
    expect(world.containers()).toEqual([]);
  });

  it('survives a restart of the app, still without a write', async () => {
    const id = await foreign('lonely');
    await world.clock.settle();
    await handlers.calls['stacks.adopt']({ containers: [id], name: 'mine' }, caller);
    await world.well();
    await world.restart();
    world.engine.forgetDeeds();
    await world.well();
    await world.clock.advance(120_000);
    expect(world.engine.deeds).toEqual([]);
    expect(world.view('mine/lonely')).toMatchObject({ ready: 1, health: 'ok' });
  });

  it('lets go again: rows gone, containers untouched, and nothing heals them any more', async () => {
    const id = await foreign('guest');
    await handlers.calls['stacks.adopt']({ containers: [id], name: 'hotel' }, caller);
    await world.well();
    world.engine.forgetDeeds();
    await handlers.calls['stacks.release']({ stack: 'hotel' }, caller);
    await world.clock.advance(60_000);
    expect(world.engine.deeds).toEqual([]);
    expect(world.store.all('attempts')).toEqual([]);
    expect(world.store.all('services')).toEqual([]);
    expect(await handlers.calls['stacks.list']({}, caller)).toEqual([]);
    await world.engine.kill(id, 'SIGKILL');
    await world.clock.advance(60_000);
    expect(world.containers('running')).toEqual([]);
  });

  it('says what it leaves out, and why', async () => {
    const good = await foreign('good', { labels: composeLabels('web', 1) });
    const other = await foreign('other', { labels: composeLabels('web', 2), environment: { X: '1' } });
    const shared = await foreign('shared', { host: { networkMode: 'container:good' } });
    const { id: stopped } = await world.engine.create(containerRequest({ image: 'web:1', name: 'stopped' }));
    const plan = await handlers.calls['stacks.planAdopt'](
      { containers: [good, other, shared, stopped, 'ffff'], name: 'old' },
      caller,
    );
    expect(plan.containers).toHaveLength(1);
    expect(Object.fromEntries(plan.leftOut.map((one) => [one.name, one.words.code]))).toEqual({
      other: 'adopt.different',
      shared: 'adopt.sharesNetwork',
      stopped: 'adopt.notRunning',
      ffff: 'adopt.gone',
    });
  });

  it('never takes what is ours, a name that is taken, or ports that do not follow each other', async () => {
    world.apply({
      ...{ name: 'shop', networks: {}, volumes: {}, configs: {}, secrets: {} },
      services: {},
    });
    const id = await foreign('one');
    expect(await codeOf(handlers.calls['stacks.adopt']({ containers: [id], name: 'shop' }, caller))).toBe('conflict');
    await handlers.calls['stacks.adopt']({ containers: [id], name: 'first' }, caller);
    expect(await codeOf(handlers.calls['stacks.adopt']({ containers: [id], name: 'second' }, caller))).toBe(
      'bad-input',
    );
    const port = (published: number): Change => ({
      labels: composeLabels('web', published),
      host: { ports: [{ target: 80, protocol: 'tcp', published }] },
    });
    const apart = [await foreign('left', port(9001)), await foreign('right', port(9007))];
    expect(await codeOf(handlers.calls['stacks.adopt']({ containers: apart, name: 'apart' }, caller))).toBe(
      'bad-input',
    );
    expect(world.store.get('stacks', 'apart')).toBeUndefined();
  });

  it('does not let go of a stack that has something of ours', async () => {
    const id = await foreign('half');
    await handlers.calls['stacks.adopt']({ containers: [id], name: 'half' }, caller);
    await world.well();
    world.scale('half/half', 2);
    await world.well();
    expect(await codeOf(handlers.calls['stacks.release']({ stack: 'half' }, caller))).toBe('conflict');
    expect(world.containers('running')).toHaveLength(2);
  });
});
