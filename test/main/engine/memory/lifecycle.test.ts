import { afterEach, describe, expect, it } from 'vitest';
import type { MemoryEngine } from '../../../../src-main/engine/memory';
import type { EngineEvent } from '../../../../src-main/core/engine';
import { createRequest, memoryEngine } from '../../../support/builders';
import type { FakeClock } from '../../../support/clock';

const engines: MemoryEngine[] = [];

function world(options: Parameters<typeof memoryEngine>[0] = {}): { engine: MemoryEngine; clock: FakeClock } {
  const made = memoryEngine(options);
  engines.push(made.engine);
  return made;
}

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

function always(): { name: 'always'; maxAttempts: number } {
  return { name: 'always', maxAttempts: 0 };
}

describe('a container of the memory engine', () => {
  it('goes from created over running to exited, with ids, times and exit codes', async () => {
    const { engine, clock } = world({ images: [{ reference: 'job:1', program: { exit: { after: 2000, code: 3 } } }] });
    const { id } = await engine.create(createRequest({ name: 'job', image: 'job:1' }));
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await engine.inspect(id)).toMatchObject({ state: 'created', name: 'job' });
    await engine.start(id);
    const running = await engine.inspect('job');
    expect(running).toMatchObject({ state: 'running', startedAt: clock.now() });
    expect(running?.pid).toBeGreaterThan(0);
    await clock.advance(2000);
    expect(await engine.inspect(id)).toMatchObject({
      state: 'exited',
      exitCode: 3,
      finishedAt: clock.now(),
      oomKilled: false,
    });
    expect(await engine.list()).toMatchObject([{ id, state: 'exited', exitCode: 3 }]);
  });

  it('refuses a second container of the same name, whoever comes first (F7)', async () => {
    const { engine } = world();
    const tries = await Promise.allSettled([engine.create(createRequest()), engine.create(createRequest())]);
    expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = tries.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'name-taken' });
    expect(engine.hand.containers()).toHaveLength(1);
  });

  it('treats starting what runs, stopping what stands and removing what is gone as done', async () => {
    const { engine } = world();
    const { id } = await engine.create(createRequest());
    await engine.start(id);
    await engine.start(id);
    await engine.remove(id, { force: true, anonymousVolumes: true });
    await engine.stop(id, 1000);
    await engine.remove(id, { force: true, anonymousVolumes: true });
    expect(await engine.inspect(id)).toBeUndefined();
    expect(engine.deeds.map(({ verb, outcome }) => `${verb} ${outcome}`)).toEqual([
      'create done',
      'start done',
      'start done',
      'remove done',
      'stop done',
      'remove done',
    ]);
  });

  it('restarts by policy after 100, 200, 400 … milliseconds, at most a minute, and anew after ten good seconds', async () => {
    const { engine, clock } = world({ images: [{ reference: 'crash:1', program: { exit: { after: 0, code: 1 } } }] });
    const { id } = await engine.create(createRequest({ image: 'crash:1', host: { restartPolicy: always() } }));
    const starts: number[] = [];
    const stream = engine.watch((event) => {
      if (event.action === 'start') starts.push(clock.monotonic());
    });
    await engine.start(id);
    await clock.advance(1000);
    // The count grows when the process ends, so the restart that still waits is counted too.
    expect((await engine.inspect(id))?.restartCount).toBe(4);
    expect(starts).toEqual([0, 100, 300, 700]);
    await clock.advance(2000);
    expect(starts.slice(4)).toEqual([1500]);
    expect((await engine.inspect(id))?.state).toBe('restarting');
    await clock.advance(600_000);
    const gaps = starts.slice(1).map((time, index) => time - (starts[index] ?? 0));
    expect(gaps.slice(0, 10)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200]);
    expect(Math.max(...gaps)).toBe(60_000);
    stream.dispose();
  });

  it('forgets the back-off after ten seconds of running', async () => {
    const { engine, clock } = world({
      images: [
        { reference: 'web:1', program: ({ starts }) => ({ exit: { after: starts === 5 ? 10_000 : 10, code: 1 } }) },
      ],
    });
    const { id } = await engine.create(createRequest({ host: { restartPolicy: always() } }));
    await engine.start(id);
    await clock.until(() => engine.hand.containers()[0]?.starts === 6);
    expect(engine.hand.containers()[0]?.restarts.delay).toBe(100);
  });

  it('honours on-failure with its limit, and lets a good end be', async () => {
    const { engine, clock } = world({
      images: [
        { reference: 'bad:1', program: { exit: { after: 1, code: 2 } } },
        { reference: 'good:1', program: { exit: { after: 1, code: 0 } } },
      ],
    });
    const policy = { name: 'on-failure' as const, maxAttempts: 3 };
    for (const image of ['bad', 'good']) {
      await engine.create(createRequest({ name: image, image: `${image}:1`, host: { restartPolicy: policy } }));
      await engine.start(image);
    }
    await clock.advance(60_000);
    expect(await engine.inspect('bad')).toMatchObject({ state: 'exited', restartCount: 3, exitCode: 2 });
    expect(await engine.inspect('good')).toMatchObject({ state: 'exited', restartCount: 0, exitCode: 0 });
  });

  it('restarts a process killed from the host, but not one killed or stopped through the engine', async () => {
    const { engine, clock } = world();
    for (const name of ['host', 'kill', 'stop']) {
      await engine.create(createRequest({ name, host: { restartPolicy: always() } }));
      await engine.start(name);
    }
    engine.hand.killProcess('host');
    engine.hand.kill('kill');
    await clock.finish(engine.hand.stop('stop'));
    await clock.advance(5000);
    expect(await engine.inspect('host')).toMatchObject({ state: 'running', restartCount: 1 });
    expect(await engine.inspect('kill')).toMatchObject({ state: 'exited', exitCode: 137 });
    expect(await engine.inspect('stop')).toMatchObject({ state: 'exited', exitCode: 0 });
  });

  it('stops politely, and with force when the process does not care', async () => {
    const { engine, clock } = world({
      images: [
        { reference: 'polite:1', program: { onStop: { after: 300, code: 0 } } },
        { reference: 'deaf:1', program: { onStop: 'ignores' } },
      ],
    });
    for (const name of ['polite', 'deaf']) {
      await engine.create(createRequest({ name, image: `${name}:1` }));
      await engine.start(name);
    }
    const start = clock.monotonic();
    await clock.finish(engine.stop('polite', 10_000));
    expect(clock.monotonic() - start).toBe(300);
    await clock.finish(engine.stop('deaf', 2000));
    expect(clock.monotonic() - start).toBe(2300);
    expect(await engine.inspect('polite')).toMatchObject({ exitCode: 0 });
    expect(await engine.inspect('deaf')).toMatchObject({ exitCode: 137, oomKilled: false });
  });

  it('leaves a container created with 128 and the reason when its port is taken, and starts it when free (F8)', async () => {
    const { engine } = world();
    engine.hand.stealPort(8080);
    const ports = [{ target: 80, protocol: 'tcp' as const, published: 8080 }];
    const { id } = await engine.create(createRequest({ host: { ports } }));
    await expect(engine.start(id)).rejects.toMatchObject({ code: 'port-taken' });
    const left = await engine.inspect(id);
    expect(left).toMatchObject({ state: 'created', exitCode: 128 });
    expect(left?.error).toContain('address already in use');
    engine.hand.freePort(8080);
    await engine.start(id);
    expect(await engine.inspect(id)).toMatchObject({
      state: 'running',
      error: '',
      ports: [
        { published: 8080, target: 80, hostIp: '0.0.0.0' },
        { published: 8080, target: 80, hostIp: '::' },
      ],
    });
    const second = await engine.create(createRequest({ name: 'other', host: { ports } }));
    await expect(engine.start(second.id)).rejects.toMatchObject({
      code: 'port-taken',
      detail: expect.stringContaining('already allocated'),
    });
  });

  it('marks an out-of-memory end, by event and by flag (F13)', async () => {
    const { engine, clock } = world({ images: [{ reference: 'leak:1', program: { grows: 1024 * 1024 } }] });
    const seen: string[] = [];
    engine.watch((event) => seen.push(event.action));
    const limits = { memory: 64 * 1024 * 1024 };
    const { id } = await engine.create(createRequest({ image: 'leak:1', host: { limits } }));
    await engine.start(id);
    await clock.until(() => engine.hand.containers()[0]?.state === 'exited', 120_000);
    expect(await engine.inspect(id)).toMatchObject({ oomKilled: true, exitCode: 137 });
    await clock.settle();
    expect(seen.filter((action) => action === 'oom' || action === 'die')).toEqual(['oom', 'die']);
  });

  it('inherits labels from the image, so that a label alone proves nothing (F9)', async () => {
    const { engine } = world({ images: [{ reference: 'evil:1', labels: { 'io.pilothouse.install': 'abc', a: '1' } }] });
    await engine.create(createRequest({ image: 'evil:1', labels: { a: '2' } }));
    const found = await engine.list({ labels: { 'io.pilothouse.install': 'abc' } });
    expect(found).toHaveLength(1);
    expect(found[0]?.labels).toEqual({ 'io.pilothouse.install': 'abc', a: '2' });
  });

  it('refuses acts that make no sense in its state', async () => {
    const { engine } = world();
    const { id } = await engine.create(createRequest());
    await expect(engine.kill(id, 'SIGKILL')).rejects.toMatchObject({ code: 'refused' });
    await engine.unpause(id);
    await expect(engine.pause(id)).rejects.toMatchObject({ code: 'refused' });
    await expect(engine.exec(id, ['true'])).rejects.toMatchObject({ code: 'refused' });
    await engine.start(id);
    await expect(engine.remove(id, { force: false, anonymousVolumes: false })).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(engine.kill(id, 'SIGNONSENSE')).rejects.toMatchObject({ code: 'invalid' });
    await engine.pause(id);
    await expect(engine.exec(id, ['true'])).rejects.toMatchObject({ code: 'paused' });
    await expect(engine.start(id)).rejects.toMatchObject({ code: 'paused' });
    await expect(engine.create(createRequest({ name: 'x' }))).rejects.toMatchObject({ code: 'invalid' });
    await expect(engine.rename(id, 'shop.web.1.g1')).rejects.toMatchObject({ code: 'invalid' });
  });

  it('runs what a small shell script says', async () => {
    const { engine, clock } = world({ images: [{ reference: 'busybox' }] });
    const command = ['sh', '-c', "echo begin; sleep 1.5; false || echo 'still here'; sleep 2 && exit 7"];
    const { id } = await engine.create(createRequest({ image: 'busybox', command }));
    await engine.start(id);
    await clock.advance(3499);
    expect(await engine.inspect(id)).toMatchObject({ state: 'running' });
    await clock.advance(1);
    expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 7 });
    const lines: string[] = [];
    const stream = engine.logs(id, { follow: false }, (entries) => lines.push(...entries.map(({ text }) => text)));
    await stream.ended;
    expect(lines).toEqual(['begin', 'still here']);
  });

  it('tells its life in events, none of them before the call that caused it has happened', async () => {
    const { engine, clock } = world();
    const events: EngineEvent[] = [];
    engine.watch((event) => events.push(event));
    const { id } = await engine.create(createRequest({ labels: { a: 'b' } }));
    await engine.start(id);
    await clock.finish(engine.stop(id, 1000));
    await engine.remove(id, { force: false, anonymousVolumes: true });
    await clock.settle();
    const own = events.filter(({ type }) => type === 'container');
    expect(own.map(({ action }) => action)).toEqual(['create', 'start', 'kill', 'die', 'stop', 'destroy']);
    expect(own[3]).toMatchObject({ id, attributes: { exitCode: '0', a: 'b' } });
  });
});
