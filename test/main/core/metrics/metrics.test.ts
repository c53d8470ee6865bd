import { afterEach, describe, expect, it } from 'vitest';
import type { LiveFigures, SeriesView } from '../../../../src-main/contract/nouns';
import { silent } from '../../../../src-main/base/log';
import { createMetrics, type Metrics } from '../../../../src-main/core/metrics';
import { Store, type AttemptRow, type StackRow } from '../../../../src-main/core/store';
import type { MemoryEngine } from '../../../../src-main/engine/memory';
import { createRequest, memoryEngine } from '../../../support/builders';
import { FakeClock } from '../../../support/clock';
import { memoryFiles, memoryRows } from '../../../support/disks';
import { codec, hour, minute, second } from './support';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
const caller = { kind: 'window' as const, signal: never };

interface World {
  metrics: Metrics;
  clock: FakeClock;
  engine: MemoryEngine;
  store: Store;
  /** Makes and starts a container; with `replica` it is the attempt's. */
  run(
    name: string,
    options?: { slot?: number; generation?: number; limits?: { cpus?: number; memory?: number } },
  ): Promise<string>;
  /** Another room on the same disk, as after a restart of the app. */
  again(): Promise<Metrics>;
}

async function world(): Promise<World> {
  const { engine, clock } = memoryEngine();
  const store = new Store(memoryRows());
  const files = memoryFiles();
  const stack = { name: 'shop', engine: engine.id, version: 1 } as StackRow;
  store.transact((transaction) => transaction.put('stacks', 'shop', stack));
  const make = (): Metrics => {
    const made = createMetrics({ clock, store, files, codec, log: silent, settings: () => ({ retentionDays: 30 }) });
    stops.push(() => made.stop());
    return made;
  };
  const metrics = make();
  stops.push(() => Promise.resolve(engine.dispose()));
  await metrics.start();
  metrics.setEngine(engine);
  return {
    metrics,
    clock,
    engine,
    store,
    async run(name, { slot = 1, generation, limits = {} } = {}) {
      const { id } = await engine.create(createRequest({ name, host: { limits } }));
      await engine.start(id);
      if (generation !== undefined) {
        const attempt = {
          name,
          service: 'shop/web',
          slot,
          generation,
          containerId: id,
          state: 'started',
        } as AttemptRow;
        store.transact((transaction) => transaction.put('attempts', name, attempt));
      }
      return id;
    },
    async again() {
      const next = make();
      await next.start();
      next.setEngine(engine);
      return next;
    },
  };
}

async function cpu(
  metrics: Metrics,
  span: { from: number; to: number },
  by: 'replica' | 'total' = 'replica',
): Promise<(number | null)[]> {
  const answer = await metrics.calls['metrics.range']({ metric: 'cpu', by, points: 4000, ...span }, caller);
  return answer[0]?.v ?? [];
}

describe('metrics', () => {
  it('shows the figures of our replicas and the total of all containers, once a second', async () => {
    const { metrics, clock, run } = await world();
    await run('shop.web.1.g1', { generation: 1, limits: { memory: 2 ** 30, cpus: 2 } });
    await run('someone-else');
    const items: LiveFigures[] = [];
    const sink = {
      send: (item: LiveFigures) => items.push(item),
      credit: () => 1000,
      onCredit: () => ({ dispose: () => undefined }),
      end: () => undefined,
      fail: () => undefined,
    };
    const stream = metrics.streams['metrics.live']({}, sink, caller);
    await clock.advance(20 * second);
    stream.dispose();
    expect(items.length).toBeGreaterThanOrEqual(19);
    expect(items.length).toBeLessThanOrEqual(21);
    const last = items.at(-1);
    expect(last?.replicas).toHaveLength(1);
    expect(last?.replicas[0]).toMatchObject({ id: 'shop/web.1', memoryLimit: 2 ** 30 });
    expect(last?.total.containers).toBe(2);
    expect(last?.total.memory).toBeGreaterThan(last?.replicas[0]?.memory ?? Infinity);
    expect(metrics.latest('shop/web.1')?.cpuThrottled).toBeDefined();
    expect(metrics.latest('shop/web.2')).toBeUndefined();
    expect(metrics.average('shop/web.1', 'cpu', 10 * second)).toBeGreaterThanOrEqual(0);
    expect(metrics.figures().pointsPerSecond).toBe(12);
  });

  it('adds up two generations of one replica, and follows it over to the next', async () => {
    const { metrics, clock, run, engine, store } = await world();
    const first = await run('shop.web.1.g1', { generation: 1 });
    await clock.advance(5 * second);
    const alone = metrics.latest('shop/web.1')?.memory ?? 0;
    await run('shop.web.1.g2', { generation: 2 });
    await clock.advance(5 * second);
    const both = metrics.latest('shop/web.1')?.memory ?? 0;
    expect(both).toBeGreaterThan(alone);
    store.transact((transaction) => transaction.remove('attempts', 'shop.web.1.g1'));
    await clock.finish(engine.remove(first, { force: true, anonymousVolumes: false }));
    await clock.advance(15 * second);
    const after = metrics.latest('shop/web.1')?.memory ?? 0;
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThan(both);
    expect(metrics.reader.series().filter(({ metric }) => metric === 'memory')).toHaveLength(1);
  });

  it('has a gap where the machine slept, and no spike after it', async () => {
    const { metrics, clock, run } = await world();
    await run('shop.web.1.g1', { generation: 1 });
    await clock.advance(30 * second);
    const slept = clock.now();
    clock.sleep(8 * hour);
    const woke = clock.now();
    expect(metrics.live().at).toBeLessThanOrEqual(slept);
    await clock.advance(30 * second);
    const values = await cpu(metrics, { from: woke - 20 * second, to: woke + 30 * second });
    const measured = values.filter((value) => value !== null);
    expect(measured.length).toBeGreaterThan(20);
    expect(values.slice(0, 20).every((value) => value === null)).toBe(true);
    expect(Math.max(...measured)).toBeLessThan(2);
  });

  it.each([
    ['back', -2 * hour],
    ['ahead', 25 * hour],
  ])('stays honest when the clock is set %s', async (_name, by) => {
    const { metrics, clock, run } = await world();
    await run('shop.web.1.g1', { generation: 1 });
    await clock.advance(30 * second);
    clock.jump(by);
    const since = clock.now();
    await clock.advance(2 * minute);
    const values = await cpu(metrics, { from: since, to: clock.now() });
    const measured = values.filter((value) => value !== null);
    expect(measured.length).toBeGreaterThan(110);
    expect(measured.every((value) => value >= 0 && value < 2)).toBe(true);
    expect(metrics.latest('shop/web.1')).toBeDefined();
  });

  it('has a gap while the engine is away, and says nothing of it in the live figures', async () => {
    const { metrics, clock, run, engine } = await world();
    await run('shop.web.1.g1', { generation: 1 });
    await clock.advance(10 * second);
    metrics.setEngine(undefined);
    const since = clock.now();
    await clock.advance(20 * second);
    expect(metrics.live()).toMatchObject({ replicas: [], total: { cpu: 0, memory: 0, containers: 0 } });
    expect(metrics.latest('shop/web.1')).toBeUndefined();
    const values = await cpu(metrics, { from: since + second, to: clock.now() - second });
    expect(values.every((value) => value === null)).toBe(true);
    metrics.setEngine(engine);
    await clock.advance(10 * second);
    expect(metrics.latest('shop/web.1')).toBeDefined();
  });

  it('keeps its history over a restart', async () => {
    const { metrics, clock, run, again } = await world();
    await run('shop.web.1.g1', { generation: 1 });
    await clock.advance(3 * minute);
    await metrics.stop();
    const stopped = clock.now();
    await clock.advance(minute);
    const next = await again();
    await clock.advance(minute);
    const values = await cpu(next, { from: stopped - 3 * minute, to: clock.now() }, 'total');
    expect(values.slice(10, 170).every((value) => value !== null)).toBe(true);
    expect(values.slice(200, 230).every((value) => value === null)).toBe(true);
    expect(values.slice(270, 290).every((value) => value !== null)).toBe(true);
  });

  it('takes values from elsewhere while they are fresh', async () => {
    const { metrics, clock } = await world();
    metrics.record('gateway_requests_per_second', { service: 'shop/web' }, { value: 42 });
    await clock.advance(30 * second);
    const [series] = await metrics.calls['metrics.range'](
      {
        metric: 'gateway_requests_per_second',
        by: 'service',
        points: 100,
        from: clock.now() - 30 * second,
        to: clock.now(),
      },
      caller,
    );
    expect(series?.unit).toBe('count/s');
    const values = series?.v.filter((value) => value !== null) ?? [];
    expect(values.length).toBeGreaterThanOrEqual(14);
    expect(values.length).toBeLessThanOrEqual(16);
    expect(new Set(values)).toEqual(new Set([42]));
  });

  it('says in words that it could not be opened', async () => {
    const clock = new FakeClock();
    const files = { ...memoryFiles(), list: () => Promise.reject(new Error('no such folder')) };
    const metrics = createMetrics({
      clock,
      store: new Store(memoryRows()),
      files,
      codec,
      log: silent,
      settings: () => ({ retentionDays: 1 }),
    });
    await expect(metrics.start()).rejects.toThrow('no such folder');
    await expect(cpu(metrics, { from: 0, to: 1 })).rejects.toThrow('The metrics could not be opened: no such folder');
    await metrics.stop();
    expect(clock.pending).toBe(0);
  });

  it('stops everything it started', async () => {
    const { metrics, clock, engine, run } = await world();
    await run('shop.web.1.g1', { generation: 1 });
    await clock.advance(5 * second);
    await metrics.stop();
    engine.dispose();
    expect(clock.pending).toBe(0);
  });
});

describe('queries', () => {
  it('are answered over what is collected, and names are there to complete', async () => {
    const { metrics, clock, run } = await world();
    await run('shop.web.1.g1', { generation: 1, limits: { memory: 2 ** 30 } });
    await clock.advance(2 * minute);
    const now = clock.now();
    const { rows } = await metrics.calls['metrics.query']({ query: 'memory / memory_limit' }, caller);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.labels).toEqual({ stack: 'shop', service: 'shop/web', replica: 'shop/web.1' });
    expect(rows[0]?.value).toBeGreaterThan(0);
    const query = 'sum by (service) (rate(container_cpu_usage_seconds_total[1m]))';
    const [series] = await metrics.calls['metrics.queryRange'](
      { query, from: now - minute, to: now, points: 20, rows: 500 },
      caller,
    );
    expect(series?.labels).toEqual({ service: 'shop/web' });
    expect(series?.t.length).toBeLessThanOrEqual(20);
    expect(series?.v.every((value) => value !== null)).toBe(true);
    const names = await metrics.calls['metrics.names']({}, caller);
    expect(names.find(({ name }) => name === 'cpu')).toMatchObject({
      unit: 'cores',
      labels: { service: ['shop/web'] },
    });
    expect(names.some(({ name }) => name === 'container_cpu_usage_seconds_total')).toBe(true);
    await expect(metrics.calls['metrics.query']({ query: 'sum(' }, caller)).rejects.toMatchObject({
      problem: { code: 'bad-input' },
    });
    expect(metrics.exposition()).toContain('container_cpu_usage_seconds_total{id="/docker/');
  });

  it('of many rows the highest are kept, in their order', async () => {
    const { metrics, clock, run } = await world();
    for (const slot of [1, 2, 3, 4]) await run(`shop.web.${slot}.g1`, { slot, generation: 1 });
    await clock.advance(minute);
    const now = clock.now();
    const ask = (rows: number): Promise<SeriesView[]> =>
      metrics.calls['metrics.queryRange']({ query: 'memory', from: now - minute, to: now, points: 20, rows }, caller);
    const all = await ask(500);
    const top = ({ v }: SeriesView): number => Math.max(...v.map((value) => value ?? 0));
    const highest = [...all].sort((left, right) => top(right) - top(left)).slice(0, 2);
    expect(all).toHaveLength(4);
    expect(await ask(2)).toEqual(all.filter((one) => highest.includes(one)));
  });
});
