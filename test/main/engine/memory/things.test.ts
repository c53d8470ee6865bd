import { afterEach, describe, expect, it } from 'vitest';
import type { LogEntry, StatsSample } from '../../../../src-main/core/engine';
import type { MemoryEngine } from '../../../../src-main/engine/memory';
import { createRequest, memoryEngine } from '../../../support/builders';
import type { FakeClock } from '../../../support/clock';

const engines: MemoryEngine[] = [];
const plainNetwork = { driverOpts: {}, internal: false, attachable: true, enableIpv6: false, labels: {} };

function world(options: Parameters<typeof memoryEngine>[0] = {}): { engine: MemoryEngine; clock: FakeClock } {
  const made = memoryEngine(options);
  engines.push(made.engine);
  return made;
}

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

describe('networks', () => {
  it('give addresses and names to what runs, and refuse to go while it does', async () => {
    const { engine, clock } = world();
    const { id } = await engine.createNetwork({ ...plainNetwork, name: 'shop_default' });
    await expect(engine.createNetwork({ ...plainNetwork, name: 'shop_default' })).rejects.toMatchObject({
      code: 'name-taken',
    });
    for (const name of ['web1', 'web2']) {
      await engine.create(createRequest({ name, networks: [{ name: 'shop_default', aliases: ['web'] }] }));
      await engine.start(name);
    }
    expect((await engine.inspect('web1'))?.networks['shop_default']).toMatchObject({
      networkId: id,
      address: '172.18.0.2',
    });
    expect(engine.daemon.networks.resolve('shop_default', 'web')).toEqual(['172.18.0.2', '172.18.0.3']);
    expect(Object.values((await engine.inspectNetwork(id))?.containers ?? {})).toEqual(['web1', 'web2']);
    await expect(engine.removeNetwork(id)).rejects.toMatchObject({ code: 'in-use' });
    await clock.finish(engine.stop('web1', 1000));
    expect(engine.daemon.networks.resolve('shop_default', 'web')).toEqual(['172.18.0.3']);
    expect((await engine.inspect('web1'))?.networks['shop_default']?.address).toBe('');
    await clock.finish(engine.stop('web2', 1000));
    await engine.removeNetwork(id);
    await expect(engine.start('web1')).rejects.toMatchObject({ code: 'refused' });
    expect(await engine.inspect('web1')).toMatchObject({ state: 'exited', exitCode: 128 });
  });

  it('are joined and left while a container runs', async () => {
    const { engine } = world();
    await engine.createNetwork({ ...plainNetwork, name: 'one' });
    await engine.createNetwork({ ...plainNetwork, name: 'two', ipam: { config: [{ subnet: '10.5.0.0/24' }] } });
    await expect(
      engine.createNetwork({ ...plainNetwork, name: 'three', ipam: { config: [{ subnet: '10.5.0.128/25' }] } }),
    ).rejects.toMatchObject({ code: 'denied' });
    const networks = [
      { name: 'one', aliases: [] },
      { name: 'two', aliases: ['db'], ipv4Address: '10.5.0.9' },
    ];
    const { id } = await engine.create(createRequest({ networks }));
    await engine.start(id);
    expect((await engine.inspect(id))?.networks['two']?.address).toBe('10.5.0.9');
    await engine.disconnect('one', id, false);
    expect(Object.keys((await engine.inspect(id))?.networks ?? {})).toEqual(['two']);
    await engine.connect('one', id, { aliases: ['back'] });
    expect(engine.daemon.networks.resolve('one', 'back')).toHaveLength(1);
    await engine.connect('one', id, { aliases: [] });
    await expect(engine.connect('nowhere', id, { aliases: [] })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('volumes', () => {
  it('are made by containers, kept after them, and refuse to go while used', async () => {
    const { engine } = world({ images: [{ reference: 'db:1', volumes: ['/data', '/log'] }] });
    const mounts = [{ type: 'volume' as const, source: 'shop_data', target: '/data', readOnly: false }];
    const { id } = await engine.create(createRequest({ image: 'db:1', host: { mounts } }));
    expect((await engine.inspect(id))?.mounts).toMatchObject([
      { name: 'shop_data', target: '/data', source: '/var/lib/docker/volumes/shop_data/_data' },
      { target: '/log' },
    ]);
    expect(await engine.volumes()).toHaveLength(2);
    await expect(engine.removeVolume('shop_data')).rejects.toMatchObject({ code: 'in-use' });
    await engine.remove(id, { force: false, anonymousVolumes: true });
    expect((await engine.volumes()).map(({ name }) => name)).toEqual(['shop_data']);
    await engine.createVolume({ name: 'shop_data', driverOpts: {}, labels: { new: 'label' } });
    expect(await engine.volumes({ labels: { new: 'label' } })).toEqual([]);
    await engine.removeVolume('shop_data');
    await engine.removeVolume('shop_data');
    expect(await engine.volumes()).toEqual([]);
  });
});

describe('images', () => {
  it('are missing until pulled, and live on under their containers when dropped', async () => {
    const { engine } = world({
      registry: 'declared',
      images: [
        { reference: 'app:2', local: false, healthcheck: { test: ['CMD', 'true'] }, exposed: [80] },
        { reference: 'private:1', local: false, pullable: 'denied' },
      ],
    });
    await expect(engine.create(createRequest({ image: 'app:2' }))).rejects.toMatchObject({ code: 'no-image' });
    await expect(engine.pull('nowhere:1', {})).rejects.toMatchObject({ code: 'no-image' });
    await expect(engine.pull('private:1', {})).rejects.toMatchObject({ code: 'denied' });
    await engine.pull('docker.io/library/app:2', {});
    expect(await engine.inspectImage('app:2')).toMatchObject({ tags: ['app:2'], healthcheck: true, exposed: [80] });
    const { id } = await engine.create(createRequest({ image: 'app:2' }));
    await engine.start(id);
    await expect(engine.removeImage('app:2', false)).rejects.toMatchObject({ code: 'in-use' });
    await engine.removeImage('app:2', true);
    engine.hand.killProcess(id);
    await engine.start(id);
    expect(await engine.inspect(id)).toMatchObject({ state: 'running' });
    await expect(engine.create(createRequest({ name: 'again', image: 'app:2' }))).rejects.toMatchObject({
      code: 'no-image',
    });
  });
});

describe('output', () => {
  const chatty = { reference: 'web:1', program: { logs: { perSecond: 10, style: 'mixed' as const } } };

  async function read(engine: MemoryEngine, options: { since?: string; tail?: number } = {}): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    const stream = engine.logs('shop.web.1.g1', { follow: false, ...options }, (batch) => entries.push(...batch));
    expect(await stream.ended).toEqual({});
    return entries;
  }

  it('flows while the process lives, the same for every reader, in order', async () => {
    const { engine, clock } = world({ images: [chatty] });
    const { id } = await engine.create(createRequest());
    await engine.start(id);
    const followed: LogEntry[] = [];
    let ended = false;
    const stream = engine.logs(id, { follow: true }, (batch) => followed.push(...batch));
    void stream.ended.then(() => (ended = true));
    await clock.advance(3000);
    engine.hand.writeLog(id, 'a line of my own', 'stderr');
    await clock.advance(3100);
    stream.pause();
    await clock.advance(2000);
    stream.resume();
    await clock.finish(engine.stop(id, 1000));
    expect(ended).toBe(true);
    const all = await read(engine);
    expect(all.length).toBeGreaterThan(60);
    expect(followed).toEqual(all);
    expect(all.filter(({ text }) => text === 'a line of my own')).toHaveLength(1);
    const stamps = all.map(({ stamp }) => BigInt(stamp));
    expect(stamps.every((stamp, index) => index === 0 || stamp > (stamps[index - 1] ?? 0n))).toBe(true);
    const middle = all[30]?.stamp ?? '';
    expect(await read(engine, { since: middle })).toEqual(all.slice(30));
    expect(await read(engine, { tail: 5 })).toEqual(all.slice(-5));
  });

  it('ends at once on a container that does not run, and says so when there is none', async () => {
    const { engine } = world({ images: [chatty] });
    await engine.create(createRequest());
    expect(await engine.logs('shop.web.1.g1', { follow: true }, () => {}).ended).toEqual({});
    expect(await engine.logs('nobody', { follow: true }, () => {}).ended).toMatchObject({
      error: { code: 'not-found' },
    });
  });

  it('splits lines longer than 16 KiB (F12)', async () => {
    const { engine } = world();
    await engine.create(createRequest());
    engine.hand.writeLog('shop.web.1.g1', 'x'.repeat(50_000));
    const entries = await read(engine);
    expect(entries.map(({ text, partial }) => [text.length, partial])).toEqual([
      [16_384, true],
      [16_384, true],
      [16_384, true],
      [848, false],
    ]);
  });

  it('does not flow while the process is paused', async () => {
    const { engine, clock } = world({ images: [chatty] });
    const { id } = await engine.create(createRequest());
    await engine.start(id);
    await clock.advance(1000);
    await engine.pause(id);
    const before = await read(engine);
    await clock.advance(10_000);
    expect(await read(engine)).toEqual(before);
  });
});

describe('samples', () => {
  it('come once a second for the followed ones, with counters that only grow and a limit that holds', async () => {
    const { engine, clock } = world({ images: [{ reference: 'web:1', program: { cpu: () => 2, memory: () => 1e9 } }] });
    const limits = { cpus: 0.5, memory: 64 * 1024 * 1024 };
    const { id } = await engine.create(createRequest({ host: { limits } }));
    await engine.create(createRequest({ name: 'other' }));
    await engine.start(id);
    await engine.start('other');
    const samples: StatsSample[] = [];
    const stream = engine.stats((batch) => samples.push(...batch));
    stream.follow([id]);
    await clock.advance(10_000);
    expect(samples).toHaveLength(10);
    expect(samples.every((sample) => sample.id === id && sample.memory <= limits.memory)).toBe(true);
    const [first, last] = [samples[0], samples.at(-1)];
    expect((last?.cpuNanos ?? 0) - (first?.cpuNanos ?? 0)).toBeCloseTo(0.5 * 9e9, -3);
    expect(last?.cpuThrottledNanos).toBeCloseTo(1.5 * 10e9, -3);
    stream.dispose();
    await clock.advance(3000);
    expect(samples).toHaveLength(10);
    expect(await stream.ended).toEqual({});
  });
});

describe('the whole engine', () => {
  it('leaves no timer behind', async () => {
    const { engine, clock } = world({ images: [{ reference: 'web:1', program: { exit: { after: 50, code: 1 } } }] });
    const healthcheck = { test: ['CMD', 'true'], interval: 1000 };
    await engine.create(createRequest({ healthcheck, host: { restartPolicy: { name: 'always', maxAttempts: 0 } } }));
    await engine.start('shop.web.1.g1');
    engine.watch(() => {});
    engine.stats(() => {});
    engine.logs('shop.web.1.g1', { follow: true }, () => {});
    await clock.advance(5000);
    engine.dispose();
    expect(clock.pending).toBe(0);
  });

  it('does the same twice for the same seed', async () => {
    const run = async (): Promise<unknown> => {
      const { engine, clock } = world({ seed: 42, latency: 'real', images: undefined });
      await clock.finish(
        engine.create(createRequest({ image: 'nginx', host: { restartPolicy: { name: 'always', maxAttempts: 0 } } })),
      );
      await clock.finish(engine.start('shop.web.1.g1'));
      await clock.advance(3000);
      engine.hand.killProcess('shop.web.1.g1');
      await clock.advance(3000);
      const lines: string[] = [];
      await engine.logs('shop.web.1.g1', { follow: false }, (batch) => lines.push(...batch.map(({ text }) => text)))
        .ended;
      return { detail: await clock.finish(engine.inspect('shop.web.1.g1')), lines, deeds: engine.deeds };
    };
    expect(await run()).toEqual(await run());
  });
});
