import { afterEach, describe, expect, it } from 'vitest';
import type { MemoryEngine, ProgramSource } from '../../../../src-main/engine/memory';
import { createRequest, memoryEngine } from '../../../support/builders';
import type { FakeClock } from '../../../support/clock';

const engines: MemoryEngine[] = [];
const check = { test: ['CMD', 'probe'], interval: 1000, timeout: 500, retries: 3 };

async function started(
  program: ProgramSource,
  request: Parameters<typeof createRequest>[0] = {},
): Promise<{ engine: MemoryEngine; clock: FakeClock; id: string; health: () => Promise<string | undefined> }> {
  const { engine, clock } = memoryEngine({ images: [{ reference: 'web:1', program }] });
  engines.push(engine);
  const { id } = await engine.create(createRequest({ healthcheck: check, ...request }));
  await engine.start(id);
  return { engine, clock, id, health: async () => (await engine.inspect(id))?.health };
}

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

describe('health checks', () => {
  it('become healthy with the first good probe after the program is ready', async () => {
    const { clock, health } = await started({ readyAfter: 2500 });
    expect(await health()).toBe('starting');
    await clock.advance(2999);
    expect(await health()).toBe('starting');
    await clock.advance(1);
    expect(await health()).toBe('healthy');
  });

  it('become unhealthy after so many failures in a row, and healthy again after one success', async () => {
    const { engine, clock, id, health } = await started({ unhealthyAfter: 5000, healthyAgainAfter: 9500 });
    const changes: string[] = [];
    engine.watch((event) => {
      if (event.action.startsWith('health_status')) changes.push(`${clock.monotonic()} ${event.action}`);
    });
    await clock.advance(12_000);
    expect(changes).toEqual([
      '1000 health_status: healthy',
      '7000 health_status: unhealthy',
      '10000 health_status: healthy',
    ]);
    const log = (await engine.inspect(id))?.healthLog ?? [];
    expect(log).toHaveLength(5);
    expect(log.map(({ exitCode }) => exitCode)).toEqual([1, 1, 0, 0, 0]);
    expect(await health()).toBe('healthy');
  });

  it('do not count failures within the start period', async () => {
    const { clock, health } = await started(
      { readyAfter: 60_000 },
      { healthcheck: { ...check, startPeriod: 20_000, startInterval: 2000 } },
    );
    await clock.advance(20_500);
    expect(await health()).toBe('starting');
    await clock.advance(4000);
    expect(await health()).toBe('unhealthy');
  });

  it('turn unhealthy under a pause, although nothing is wrong (F14)', async () => {
    const { engine, clock, id, health } = await started({});
    await clock.advance(1000);
    expect(await health()).toBe('healthy');
    await engine.pause(id);
    expect(await engine.inspect(id)).toMatchObject({ state: 'paused', health: 'unhealthy' });
    await clock.advance(60_000);
    await engine.unpause(id);
    await clock.advance(1000);
    expect(await health()).toBe('healthy');
  });

  it('are switched off by NONE, and absent without a check', async () => {
    const none = await started({}, { healthcheck: { test: ['NONE'] } });
    await none.clock.advance(5000);
    expect(await none.health()).toBe('none');
    const { engine } = memoryEngine();
    engines.push(engine);
    const { id } = await engine.create(createRequest());
    expect((await engine.inspect(id))?.health).toBe('none');
  });

  it('look at files that were put into the container', async () => {
    const { engine, clock, id, health } = await started(
      {},
      { healthcheck: { ...check, test: ['CMD-SHELL', 'test -f /ready'] } },
    );
    await clock.advance(3000);
    expect(await health()).toBe('unhealthy');
    await engine.putFile(id, {
      path: '/ready',
      content: new TextEncoder().encode('yes\n'),
      mode: 0o644,
      uid: 0,
      gid: 0,
    });
    expect(await engine.exec(id, ['cat', '/ready'])).toEqual({ exitCode: 0, output: 'yes\n' });
    await clock.advance(1000);
    expect(await health()).toBe('healthy');
  });

  it('say when the probe takes too long', async () => {
    const { engine, clock, id } = await started({}, { healthcheck: { ...check, test: ['CMD', 'sleep', '5'] } });
    await clock.advance(1000);
    expect((await engine.inspect(id))?.healthLog).toMatchObject([
      { exitCode: -1, output: 'Health check exceeded timeout (0.5s)' },
    ]);
  });
});

describe('a pause', () => {
  it('stops the life of the process: it ends that much later', async () => {
    const { engine, clock, id } = await started({ exit: { after: 5000, code: 4 } });
    await clock.advance(3000);
    await engine.pause(id);
    await clock.advance(100_000);
    expect(await engine.inspect(id)).toMatchObject({ state: 'paused' });
    await engine.unpause(id);
    await clock.advance(1999);
    expect(await engine.inspect(id)).toMatchObject({ state: 'running' });
    await clock.advance(1);
    expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 4 });
  });

  it('does not keep a stop from working (F14)', async () => {
    const { engine, clock, id } = await started({ onStop: { after: 900, code: 0 } });
    await engine.pause(id);
    await clock.finish(engine.stop(id, 10_000));
    expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 0 });
  });

  it('holds back a death from outside until the process is thawed', async () => {
    const { engine, clock, id } = await started({});
    await engine.pause(id);
    engine.hand.killProcess(id);
    await clock.advance(60_000);
    expect(await engine.inspect(id)).toMatchObject({ state: 'paused' });
    await engine.unpause(id);
    expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 });
  });
});
