/**
 * Samples of many containers once a second, each from its cheapest honest source: the kernel's files where the engine runs on this
 * machine, else the engine's own stream, one per container. The engine's one-shot mode is never used: a call takes a second.
 */
import type { Disposable } from '../../base/lifecycle';
import type { StatsFeed, StatsSample } from '../../core/engine';
import type { CgroupMounts } from './cgroups';
import { findCgroup } from './cgroups';
import type { Client } from './client';
import { path } from './client';
import { ContainerCounters } from './counters';
import { count, fields, items, limit, text, time, type Fields } from './parse';
import { Feed, LineSplitter } from './streams';

/** Containers read in one go before other work gets its turn: some 5 ms. */
const SLICE = 64;
/** Between tries to find a container that does not run (again): doubling up to this many periods. */
const LONGEST_WAIT = 16;
const INSPECTS_AT_ONCE = 8;

/** One followed container. */
interface Followed {
  id: string;
  counters?: ContainerCounters;
  /** The engine's stream, when the kernel's files cannot be seen. */
  stream?: Disposable;
  /** Periods until the next try to find its source; 0 is now. */
  waits: number;
  nextWait: number;
  busy: boolean;
}

/** What a container's source needs, from `inspect`. */
interface Facts {
  running: boolean;
  pid: number;
  id: string;
  ownNetwork: boolean;
  throttled: boolean;
  memoryLimited: boolean;
}

export interface StatsOptions {
  client: Client;
  /** Undefined when this engine's containers are not this machine's. */
  mounts: CgroupMounts | undefined;
  deadline: number;
  /** Milliseconds between samples; 1,000. */
  period?: number;
  onSamples: (samples: StatsSample[]) => void;
}

/** See `Engine.stats`. It goes on over restarts of containers and of the engine, until disposed. */
export function followStats(options: StatsOptions): StatsFeed {
  const sampler = new Sampler(options);
  return Object.assign(sampler.feed, {
    follow: (ids: readonly string[]) => sampler.follow(ids),
    pace: (period: number) => sampler.pace(period),
  });
}

class Sampler {
  readonly feed: Feed<StatsSample>;
  private readonly followed = new Map<string, Followed>();
  private period: number;
  private streamed: StatsSample[] = [];
  private inspects = 0;

  constructor(private readonly options: StatsOptions) {
    this.period = options.period ?? 1_000;
    this.feed = new Feed<StatsSample>((feed) => this.run(feed));
  }

  follow(ids: readonly string[]): void {
    const wanted = new Set(ids);
    for (const [id, entry] of this.followed) {
      if (wanted.has(id)) continue;
      this.release(entry);
      this.followed.delete(id);
    }
    for (const id of wanted) {
      if (!this.followed.has(id)) this.followed.set(id, { id, waits: 0, nextWait: 1, busy: false });
    }
  }

  /** From the next round on. */
  pace(period: number): void {
    this.period = period;
  }

  private async run(feed: Feed<StatsSample>): Promise<void> {
    // Yields first, so that the caller's `follow` comes before the first round.
    await Promise.resolve();
    for (let due = performance.now(); !feed.over;) {
      this.findSources();
      if (!feed.paused) await this.sweep(feed);
      // Aligned to the round before, so that a late one does not shift those that follow; missed rounds are left out.
      due += this.period * Math.max(1, Math.ceil((performance.now() - due) / this.period));
      await sleep(due - performance.now(), feed.signal);
    }
    for (const entry of this.followed.values()) this.release(entry);
    this.followed.clear();
  }

  private async sweep(feed: Feed<StatsSample>): Promise<void> {
    const samples = this.streamed;
    this.streamed = [];
    let read = 0;
    for (const entry of [...this.followed.values()]) {
      if (!entry.counters) continue;
      try {
        samples.push(entry.counters.sample(Date.now));
        entry.nextWait = 1;
      } catch {
        // Ended, or restarted in a new group: `inspect` tells which.
        this.release(entry);
        entry.waits = 0;
      }
      if ((read += 1) % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      if (feed.over) return;
    }
    if (samples.length > 0) this.options.onSamples(samples);
  }

  private findSources(): void {
    for (const entry of this.followed.values()) {
      if (entry.counters || entry.stream || entry.busy) continue;
      if (entry.waits > 0) {
        entry.waits -= 1;
        continue;
      }
      if (this.inspects >= INSPECTS_AT_ONCE) return;
      void this.findSource(entry);
    }
  }

  /** Looks for the entry's source; not found, it waits ever longer, since a stopped container may stay so for days. */
  private async findSource(entry: Followed): Promise<void> {
    entry.busy = true;
    this.inspects += 1;
    try {
      const facts = await this.inspect(entry.id);
      if (this.isReleased(entry)) return;
      if (facts.running) this.open(entry, facts);
    } catch {
      // The engine is away or the container gone: the next try tells.
    } finally {
      entry.busy = false;
      this.inspects -= 1;
      if (!entry.counters && !entry.stream) {
        entry.waits = entry.nextWait;
        entry.nextWait = Math.min(LONGEST_WAIT, entry.nextWait * 2);
      }
      // Those that waited for their turn need not wait for the next round.
      if (!this.feed.over) this.findSources();
    }
  }

  private open(entry: Followed, facts: Facts): void {
    const { mounts } = this.options;
    const folders = mounts && findCgroup(mounts, { container: facts.id, pid: facts.pid });
    if (folders) {
      entry.counters = new ContainerCounters(entry.id, folders, facts);
      return;
    }
    // Without a limit the engine names the machine's memory.
    const limited = facts.memoryLimited;
    const stream = streamStats(this.options, entry.id, ({ memoryLimit, ...sample }) => {
      entry.nextWait = 1;
      // The engine's frames come at their own second and are handed on with the next round; while paused they are dropped.
      if (!this.feed.over && !this.feed.paused) this.streamed.push(limited ? { ...sample, memoryLimit } : sample);
    });
    entry.stream = stream;
    void stream.ended.then(() => {
      if (entry.stream !== stream) return;
      delete entry.stream;
      entry.waits = entry.nextWait;
      entry.nextWait = Math.min(LONGEST_WAIT, entry.nextWait * 2);
    });
  }

  private isReleased(entry: Followed): boolean {
    return this.feed.over || this.followed.get(entry.id) !== entry;
  }

  private release(entry: Followed): void {
    entry.counters?.close();
    entry.stream?.dispose();
    delete entry.counters;
    delete entry.stream;
  }

  private async inspect(id: string): Promise<Facts> {
    const { client, deadline } = this.options;
    const answer = fields(
      await client.ask({ method: 'GET', path: path`/containers/${id}/json`, deadline, signal: this.feed.signal }),
    );
    const state = fields(answer['State']);
    const host = fields(answer['HostConfig']);
    return {
      id: text(answer['Id'], 256),
      running: (state['Running'] === true || state['Status'] === 'running') && count(state['Pid']) > 0,
      pid: count(state['Pid']),
      ownNetwork: text(host['NetworkMode'], 256) !== 'host',
      throttled: count(host['NanoCpus']) > 0 || count(host['CpuQuota']) > 0,
      memoryLimited: count(host['Memory']) > 0,
    };
  }
}

/** The engine's stream of one container: a frame a second. */
function streamStats(options: StatsOptions, id: string, onSample: (sample: StatsSample) => void): Feed<StatsSample> {
  const { client, deadline } = options;
  return new Feed<StatsSample>(async (feed) => {
    const call = { method: 'GET' as const, path: path`/containers/${id}/stats`, query: { stream: true }, deadline };
    const response = await client.open({ ...call, signal: feed.signal });
    const lines = new LineSplitter((line) => {
      const sample = toSample(fields(JSON.parse(line)), id);
      if (sample) onSample(sample);
      // The engine goes on sending zeroes for a container that has stopped.
      else feed.dispose();
    });
    await feed.read(response, (chunk) => lines.push(chunk));
  });
}

/** A frame of the engine's statistics as a sample; undefined when the container does not run. */
export function toSample(frame: Fields, id: string): StatsSample | undefined {
  const at = time(frame['read']);
  const cpu = fields(frame['cpu_stats']);
  const memory = fields(frame['memory_stats']);
  const pids = count(fields(frame['pids_stats'])['current']);
  const cpuNanos = count(fields(cpu['cpu_usage'])['total_usage']);
  if (at === undefined || cpuNanos === 0) return undefined;
  const detail = fields(memory['stats']);
  const inactive = count(detail['total_inactive_file'] ?? detail['inactive_file']);
  const throttled = count(fields(cpu['throttling_data'])['throttled_time']);
  const memoryLimit = limit(memory['limit']);
  const networks = Object.values(fields(frame['networks'])).map(fields);
  const block = items(fields(frame['blkio_stats'])['io_service_bytes_recursive']).map(fields);
  const total = (list: Fields[], field: string): number => list.reduce((sum, row) => sum + count(row[field]), 0);
  const blocks = (operation: string): number =>
    total(
      block.filter((row) => text(row['op'], 16).toLowerCase() === operation),
      'value',
    );
  return {
    id,
    at,
    cpuNanos,
    ...(throttled > 0 ? { cpuThrottledNanos: throttled } : {}),
    // Windows containers have a private working set and none of the rest.
    memory: Math.max(0, count(memory['usage'] ?? memory['privateworkingset']) - inactive),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    networkRx: total(networks, 'rx_bytes'),
    networkTx: total(networks, 'tx_bytes'),
    blockRead: blocks('read'),
    blockWrite: blocks('write'),
    pids,
  };
}

function sleep(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, Math.max(0, delay));
    signal.addEventListener('abort', done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
