import { afterEach, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../../src-main/core/engine';
import type { MemoryEngine } from '../../../../src-main/engine/memory';
import { createRequest, memoryEngine } from '../../../support/builders';
import { drain, type FakeClock } from '../../../support/clock';

const engines: MemoryEngine[] = [];
const policies = ['no', 'always', 'on-failure', 'unless-stopped'] as const;

async function fleet(
  program: object = {},
): Promise<{ engine: MemoryEngine; clock: FakeClock; states: () => Promise<Record<string, string>> }> {
  const { engine, clock } = memoryEngine({ images: [{ reference: 'web:1', program }] });
  engines.push(engine);
  for (const name of policies) {
    await engine.create(createRequest({ name, host: { restartPolicy: { name, maxAttempts: 0 } } }));
    await engine.start(name);
  }
  const states = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await engine.list()).map((row) => [row.name, row.state]));
  return { engine, clock, states };
}

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

describe('a daemon that crashes', () => {
  it('without live-restore kills what ran; always comes back, unless-stopped does not (F1)', async () => {
    const { engine, clock, states } = await fleet({ onStop: 'ignores' });
    engine.hand.crashDaemon();
    await expect(engine.list()).rejects.toMatchObject({ code: 'away' });
    await clock.advance(2000);
    expect(engine.hand.containers().every((container) => container.process !== undefined)).toBe(true);
    const boot = engine.hand.startDaemon();
    const took = await clock.until(() => engine.daemon.power.mode === 'up');
    await boot;
    expect(took).toBe(10_000);
    // on-failure comes back too: the exit code was 137.
    expect(await states()).toEqual({
      no: 'exited',
      always: 'running',
      'on-failure': 'running',
      'unless-stopped': 'exited',
    });
    expect(await engine.inspect('no')).toMatchObject({ exitCode: 137 });
  });

  it('brings unless-stopped back too after a clean restart', async () => {
    const { engine, clock, states } = await fleet();
    await clock.finish(engine.hand.restartDaemon());
    expect(await states()).toEqual({
      no: 'exited',
      always: 'running',
      'on-failure': 'exited',
      'unless-stopped': 'running',
    });
  });

  it('with live-restore keeps every process (F2)', async () => {
    const { engine, clock, states } = await fleet();
    const before = (await engine.inspect('no'))?.pid;
    engine.hand.crashDaemon({ liveRestore: true, downFor: 1000 });
    await clock.advance(1000);
    expect(new Set(Object.values(await states()))).toEqual(new Set(['running']));
    expect((await engine.inspect('no'))?.pid).toBe(before);
  });

  it('never tells of what ended while it was away (F3)', async () => {
    const { engine, clock, states } = await fleet();
    const events: EngineEvent[] = [];
    const first = engine.watch((event) => events.push(event));
    engine.hand.crashDaemon({ liveRestore: true });
    expect(await first.ended).toMatchObject({ error: { code: 'away' } });
    engine.hand.killProcess('no', 9);
    await engine.hand.startDaemon();
    engine.watch((event) => events.push(event));
    await clock.advance(10_000);
    expect(await states()).toMatchObject({ no: 'exited' });
    expect(events.filter(({ action, name }) => action === 'die' && name === 'no')).toEqual([]);
    expect(engine.daemon.events.recent()).toEqual([]);
  });

  it('answers nothing of what was asked before', async () => {
    const { engine } = await fleet();
    engine.hand.hangDaemon();
    const create = engine.create(createRequest({ name: 'late' }));
    await drain();
    engine.hand.crashDaemon({ liveRestore: true });
    await expect(create).rejects.toMatchObject({ code: 'away' });
    await engine.hand.startDaemon();
    await drain();
    expect(engine.hand.containers().map(({ name }) => name)).not.toContain('late');
  });

  it('restarts an always container that a user had stopped, as Docker does', async () => {
    const { engine, clock, states } = await fleet();
    await clock.finish(engine.hand.stop('always'));
    await clock.finish(engine.hand.stop('unless-stopped'));
    await clock.finish(engine.hand.restartDaemon());
    expect(await states()).toMatchObject({ always: 'running', 'unless-stopped': 'exited' });
  });
});

describe('a daemon that hangs', () => {
  it('answers nothing until a deadline says so, and does the act all the same when it goes on', async () => {
    const { engine, clock } = await fleet();
    engine.hand.hangDaemon();
    const list = engine.list().catch((thrown: unknown) => thrown);
    const create = engine.create(createRequest({ name: 'late' })).catch((thrown: unknown) => thrown);
    await clock.advance(60_000);
    expect(await list).toMatchObject({ code: 'timeout' });
    expect(await create).toMatchObject({ code: 'timeout' });
    engine.hand.resumeDaemon();
    await clock.settle();
    expect((await engine.list()).map(({ name }) => name)).toContain('late');
  });

  it('sees ends, and acts on them, only when it goes on', async () => {
    const { engine, clock } = await fleet();
    engine.hand.hangDaemon();
    engine.hand.killProcess('always');
    await clock.advance(5000);
    expect(engine.hand.containers().find(({ name }) => name === 'always')?.starts).toBe(1);
    engine.hand.resumeDaemon();
    expect(await engine.inspect('always')).toMatchObject({ state: 'restarting', exitCode: 137 });
    await clock.advance(100);
    expect(await engine.inspect('always')).toMatchObject({ state: 'running', restartCount: 1 });
  });

  it('whose containerd hangs still pings and lists; acts hang, and so does looking at their container (F4)', async () => {
    const { engine, clock } = await fleet();
    engine.hand.setActsHang(true);
    const stop = engine.stop('no', 1000);
    await drain();
    expect(await engine.ping()).toBe(0);
    expect(await engine.list()).toHaveLength(4);
    expect(await engine.inspect('always')).toMatchObject({ state: 'running' });
    const stuck = engine.inspect('no').catch((thrown: unknown) => thrown);
    await clock.advance(10_000);
    expect(await stuck).toMatchObject({ code: 'timeout' });
    engine.hand.setActsHang(false);
    await clock.finish(stop);
    expect(await engine.inspect('no')).toMatchObject({ state: 'exited' });
  });
});

describe('a full disk', () => {
  it('refuses new things, lets old ones go, and makes the list lie (F5)', async () => {
    const { engine, clock } = await fleet();
    engine.hand.setDiskFull(true);
    await expect(engine.create(createRequest({ name: 'new' }))).rejects.toMatchObject({ code: 'no-space' });
    await expect(engine.createVolume({ name: 'data', driverOpts: {}, labels: {} })).rejects.toMatchObject({
      code: 'no-space',
    });
    await clock.finish(engine.stop('no', 1000));
    await expect(engine.start('no')).rejects.toMatchObject({ code: 'no-space' });
    expect((await engine.list()).find(({ name }) => name === 'no')?.state).toBe('running');
    expect((await engine.inspect('no'))?.state).toBe('exited');
    await engine.remove('always', { force: true, anonymousVolumes: false });
    expect(await engine.list()).toHaveLength(3);
    engine.hand.crashDaemon();
    await expect(engine.hand.startDaemon()).rejects.toMatchObject({ code: 'no-space' });
    engine.hand.setDiskFull(false);
    await clock.finish(engine.hand.startDaemon());
    expect((await engine.list()).find(({ name }) => name === 'no')?.state).toBe('exited');
  });
});

describe('a dead container', () => {
  it('cannot be started and goes by force only (F6)', async () => {
    const { engine } = await fleet();
    engine.hand.makeDead('no');
    await expect(engine.start('no')).rejects.toMatchObject({ code: 'refused' });
    await expect(engine.remove('no', { force: false, anonymousVolumes: false })).rejects.toMatchObject({
      code: 'refused',
    });
    await engine.remove('no', { force: true, anonymousVolumes: false });
    expect(await engine.inspect('no')).toBeUndefined();
  });
});
