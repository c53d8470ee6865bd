/** The engine misbehaves: lost answers, cut lists, hangs, crashes. What we say must be true, and nothing may wait for ever. */
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent, LogEntry } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { containerRequest } from '../main/engine/docker/request';
import { startPrivateEngine, testEngine, type PrivateEngine } from '../support/engine';
import { startFaultProxy, type FaultProxy } from '../support/faultproxy';
import { freeze, thaw } from '../support/freeze';
import { codeOf, uniqueName } from './engine-kit';

const force = { force: true, anonymousVolumes: true };

describe('through a bad connection', () => {
  let proxy: FaultProxy;
  let engine: DockerEngine;
  const made: string[] = [];

  beforeAll(async () => {
    proxy = await startFaultProxy({ upstream: testEngine().socket });
    engine = await connect(
      { endpoint: proxy.dockerHost },
      { deadlines: { ping: 500, read: 1_000, act: 3_000, slow: 3_000 } },
    );
  });

  afterAll(async () => {
    proxy.clear();
    for (const name of made) await engine.remove(name, force);
    engine.dispose();
    await proxy.stop();
  });

  const request = (command: string[] = ['sleep', '600']): ReturnType<typeof containerRequest> => {
    const name = uniqueName('fault');
    made.push(name);
    return containerRequest({ name, command });
  };

  it('a lost answer of create is away, and trying again finds the name taken (M3, F7)', async () => {
    const wanted = request();
    const fault = proxy.inject({ kind: 'drop-response', method: 'POST', path: /^\/containers\/create/, times: 1 });
    expect(await codeOf(engine.create(wanted))).toBe('away');
    expect(fault.hits).toBe(1);
    expect(await codeOf(engine.create(wanted))).toBe('name-taken');
    expect(await engine.inspect(wanted.name)).toMatchObject({ name: wanted.name, state: 'created' });
    proxy.clear();
  });

  it('lost answers of start, stop and remove are done when asked again (M4)', async () => {
    const { id } = await engine.create(request());
    for (const act of [() => engine.start(id), () => engine.stop(id, 0), () => engine.remove(id, force)]) {
      proxy.inject({ kind: 'drop-response', method: 'POST', path: /\/(start|stop)/, times: 1 });
      proxy.inject({ kind: 'drop-response', method: 'DELETE', times: 1 });
      expect(await codeOf(act())).toBe('away');
      proxy.clear();
      expect(await codeOf(act())).toBeUndefined();
    }
  });

  it('a cut list is no list (M6)', async () => {
    await engine.create(request());
    proxy.inject({ kind: 'truncate', path: /^\/containers\/json/ });
    expect(await codeOf(engine.list())).toBe('away');
    proxy.clear();
    expect((await engine.list()).length).toBeGreaterThan(0);
  });

  it('a container whose second network cannot be joined is taken away again', async () => {
    const wanted = { ...request(), networks: ['bridge', 'other'].map((name) => ({ name, aliases: [] })) };
    proxy.inject({ kind: 'status', path: /\/connect$/, status: 500, message: 'no space left on device' });
    expect(await codeOf(engine.create(wanted))).toBe('no-space');
    expect(await engine.inspect(wanted.name)).toBeUndefined();
    proxy.clear();
  });

  it('a call that hangs ends at its deadline, and does not hold up the others (F4)', async () => {
    const { id } = await engine.create(request());
    proxy.inject({ kind: 'hang', path: new RegExp(id) });
    const began = performance.now();
    const stuck = Array.from({ length: 40 }, () => codeOf(engine.inspect(id)));
    expect(await codeOf(engine.list())).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(900);
    expect(new Set(await Promise.all(stuck))).toEqual(new Set(['timeout']));
    proxy.clear();
    expect((await engine.inspect(id))?.id).toBe(id);
  });

  it('cut streams end with away, held ones stay open (M15)', async () => {
    const { id } = await engine.create(request(['sh', '-c', 'while :; do echo x; sleep 0.1; done']));
    await engine.start(id);
    const [events, entries]: [EngineEvent[], LogEntry[]] = [[], []];
    const watch = engine.watch((event) => events.push(event));
    const logs = engine.logs(id, { follow: true }, (more) => entries.push(...more));
    await expect.poll(() => entries.length).toBeGreaterThan(2);
    proxy.inject({ kind: 'hold', path: /\/events/ });
    await engine.pause(id);
    await sleep(200);
    expect(events.map(({ action }) => action)).not.toContain('pause');
    proxy.clear();
    proxy.cut(/\/(events|logs)/);
    expect((await watch.ended).error?.code).toBe('away');
    expect((await logs.ended).error?.code).toBe('away');
    await engine.unpause(id);
  });

  it('a refused connection is away, and the next call after it is back works', async () => {
    await proxy.refuse();
    expect(await codeOf(engine.list())).toBe('away');
    expect(await codeOf(engine.ping())).toBe('away');
    expect(await codeOf(connect({ endpoint: proxy.dockerHost }))).toBe('away');
    await proxy.accept();
    expect(await codeOf(engine.list())).toBeUndefined();
  });

  it('random errors are errors, one each (M5)', async () => {
    proxy.inject({ kind: 'status', probability: 0.5, status: 500, message: 'a passing fault' });
    const codes = await Promise.all(Array.from({ length: 40 }, () => codeOf(engine.list())));
    expect(new Set(codes)).toEqual(new Set([undefined, 'refused']));
    proxy.clear();
  });
});

describe('an engine in trouble', () => {
  let own: PrivateEngine;
  let engine: DockerEngine;
  let container = '';

  beforeAll(async () => {
    own = await startPrivateEngine({ name: `faults-${process.pid}`, hostNetwork: false, liveRestore: true });
    engine = await connect({ endpoint: own.dockerHost }, { deadlines: { ping: 1_000, read: 1_500, act: 5_000 } });
    const created = await engine.create(
      containerRequest({ name: 'steady', command: ['sh', '-c', 'while :; do echo x; sleep 0.2; done'] }),
    );
    container = created.id;
    await engine.start(container);
  }, 180_000);

  afterAll(async () => {
    engine.dispose();
    await own.stop();
  }, 120_000);

  it('that hangs makes every call end at its deadline, and answers again when it goes on (M10)', async () => {
    await freeze(own.pid());
    try {
      const calls = [engine.ping(), engine.list(), engine.inspect(container), engine.facts(), engine.volumes()];
      for (const code of await Promise.all(calls.map(codeOf))) expect(code).toBe('timeout');
      expect(await codeOf(connect({ endpoint: own.dockerHost }, { deadlines: { read: 500 } }))).toBe('timeout');
    } finally {
      thaw(own.pid());
    }
    expect((await engine.inspect(container))?.state).toBe('running');
  });

  it('whose runtime hangs does not pass for healthy, although it answers (M11, F4)', async () => {
    const containerd = Number(readFileSync(join(own.execRoot, 'containerd', 'containerd.pid'), 'utf8'));
    await freeze(containerd);
    try {
      expect(await codeOf(engine.list())).toBeUndefined();
      await expect(engine.ping()).rejects.toMatchObject({
        code: 'timeout',
        detail: 'It answers, but its runtime does not',
      });
    } finally {
      thaw(containerd);
    }
    expect(await codeOf(engine.ping())).toBeUndefined();
  });

  it('that crashes cuts the streams, and is used again when it is back; statistics go on by themselves (M9)', async () => {
    const samples: string[] = [];
    const stats = engine.stats((more) => samples.push(...more.map(({ id }) => id)));
    stats.follow([container]);
    const watch = engine.watch(() => undefined);
    const logs = engine.logs(container, { follow: true }, () => undefined);
    await expect.poll(() => samples.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await own.kill();
    expect((await watch.ended).error?.code).toBe('away');
    expect((await logs.ended).error?.code).toBe('away');
    expect(await codeOf(engine.list())).toBe('away');
    await own.start();
    await expect.poll(() => codeOf(engine.list()), { timeout: 20_000 }).toBeUndefined();
    const seen = samples.length;
    await expect.poll(() => samples.length, { timeout: 10_000 }).toBeGreaterThan(seen);
    stats.dispose();
    expect((await engine.inspect(container))?.state).toBe('running');
  });

  it('whose socket is gone is away, and back with it (M14)', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'pilothouse-socket-'));
    const other = await connect({ endpoint: own.dockerHost });
    renameSync(own.socket, join(elsewhere, 's'));
    try {
      // A connection that is open already would go on working: a new client has none.
      expect(await codeOf(connect({ endpoint: own.dockerHost }))).toBe('away');
    } finally {
      renameSync(join(elsewhere, 's'), own.socket);
      rmSync(elsewhere, { recursive: true });
    }
    expect(await codeOf(other.ping())).toBeUndefined();
    other.dispose();
  });
});
