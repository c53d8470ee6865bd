/**
 * Makes the probes of every running container: each at its own pace, a bounded number at once. What is asked over the network goes
 * through a `Dialer`, what is run inside the container through the engine.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import { WorkQueue } from '../../base/workqueue';
import type { ProbeSpec } from '../../contract/spec';
import { EngineError, type ContainerDetail, type Engine } from '../engine';
import { reachOf } from './reach';
import {
  afterResult,
  beginProbes,
  isDue,
  probeKinds,
  type ProbeKind,
  type ProbeResult,
  type Probes,
  type ProbeState,
  type ProbeVerdict,
} from './state';

/** A connection to try. With `http` a GET is sent over it. */
export interface Dial {
  container: string;
  host: string;
  port: number;
  http?: NonNullable<ProbeSpec['http']>;
  /** Milliseconds. */
  timeout: number;
}

/** The port to the network. */
export interface Dialer {
  /** Containers' own addresses can be dialled from here. */
  near(): Promise<boolean>;
  /** The machine on which a container's ports are published, when it is on another node than the engine itself. */
  machineOf?(container: string): string | undefined;
  /** Never rejects: what goes wrong is the answer. */
  dial(request: Dial): Promise<ProbeResult>;
}

export interface ProberOptions {
  engine: Engine;
  dialer: Dialer;
  clock: Clock;
  random: Random;
  log: Log;
  /** What is known of a container of this service has changed. */
  onChange: (service: string) => void;
  /** Probes made at once. */
  concurrency?: number;
}

/** A container to probe. */
export interface ProbeTarget {
  /** The attempt's name. */
  name: string;
  detail: ContainerDetail;
  probes: Probes;
}

interface Entry extends ProbeTarget {
  service: string;
  /** Monotonic time of its start. */
  since: number;
  state: ProbeState;
}

/** Fewest milliseconds between two probes of a kind, whatever a file says. */
const leastPeriod = 100;
/** Characters kept of an answer. */
const longest = 300;

export class Prober implements Disposable {
  private readonly entries = new Map<string, Entry>();
  private readonly byService = new Map<string, Set<string>>();
  private readonly queue: WorkQueue;
  private near: Promise<boolean> | undefined;

  constructor(private readonly options: ProberOptions) {
    this.queue = new WorkQueue({
      clock: options.clock,
      random: options.random,
      concurrency: options.concurrency ?? 16,
      baseDelay: 1000,
      work: (key) => this.work(key),
      onError: (key, thrown) => options.log('warn', 'probe failed', { key, error: String(thrown) }),
    });
  }

  /** The running containers of a service are these now. */
  follow(service: string, targets: readonly ProbeTarget[]): void {
    const { clock } = this.options;
    const before = this.byService.get(service);
    const now = new Set(targets.map((target) => target.name));
    for (const name of before ?? []) if (!now.has(name)) this.drop(name);
    if (now.size === 0) this.byService.delete(service);
    else this.byService.set(service, now);
    for (const target of targets) {
      const old = this.entries.get(target.name);
      if (old && sameRun(old.detail, target.detail) && old.probes === target.probes) {
        // Its networks may have changed.
        old.detail = target.detail;
        continue;
      }
      if (old) this.drop(target.name);
      const monotonic = clock.monotonic();
      const age = Math.max(0, clock.now() - (target.detail.startedAt ?? clock.now()));
      const state = beginProbes(target.probes, monotonic);
      const entry: Entry = { ...target, service, since: monotonic - age, state };
      this.entries.set(target.name, entry);
      this.begin(entry);
    }
  }

  /** What is known of a run of a container; what it begins with when it has not been probed yet. */
  verdict(name: string, detail: ContainerDetail, probes: Probes): ProbeVerdict {
    const entry = this.entries.get(name);
    if (entry && sameRun(entry.detail, detail)) return entry.state.verdict;
    return beginProbes(probes, this.options.clock.monotonic()).verdict;
  }

  /** The target of this name, when it is followed: what the engine will not tell about for a moment is probed on. */
  known(name: string): ProbeTarget[] {
    const entry = this.entries.get(name);
    return entry ? [{ name, detail: entry.detail, probes: entry.probes }] : [];
  }

  /** Probes due or being made. */
  get active(): number {
    return this.queue.active;
  }

  dispose(): void {
    this.queue.dispose();
    this.entries.clear();
    this.byService.clear();
  }

  private drop(name: string): void {
    this.entries.delete(name);
    for (const kind of probeKinds) this.queue.drop(keyOf(name, kind));
  }

  private begin(entry: Entry): void {
    const monotonic = this.options.clock.monotonic();
    for (const kind of probeKinds) {
      const probe = entry.probes[kind];
      if (!probe || !isDue(entry.state, kind)) continue;
      this.queue.addAfter(keyOf(entry.name, kind), entry.since + probe.initialDelay - monotonic);
    }
  }

  private async work(key: string): Promise<void> {
    const { clock, onChange } = this.options;
    const [name = '', kind] = key.split(' ') as [string, ProbeKind];
    const entry = this.entries.get(name);
    const probe = entry?.probes[kind];
    if (!entry || !probe || !isDue(entry.state, kind)) return;
    const startedAt = clock.monotonic();
    const result = await this.ask(entry, probe);
    if (this.entries.get(name) !== entry) return;
    const before = entry.state;
    if (result === 'unreachable') {
      entry.state = { ...before, verdict: { started: true, ready: true, readyAt: startedAt, unreachable: true } };
    } else if (result !== 'unknown') {
      const at = clock.monotonic();
      entry.state = afterResult(entry.probes, before, kind, { ...result, at });
    }
    if (entry.state.verdict.started && !before.verdict.started) this.begin(entry);
    if (isDue(entry.state, kind)) {
      const period = Math.max(leastPeriod, probe.period);
      this.queue.addAfter(key, Math.max(1, startedAt + period - clock.monotonic()));
    }
    if (!sameVerdict(before.verdict, entry.state.verdict)) onChange(entry.service);
  }

  /** Unknown: the engine did not answer, which is not the container's fault. */
  private async ask(entry: Entry, probe: ProbeSpec): Promise<ProbeResult | 'unreachable' | 'unknown'> {
    const { dialer, engine } = this.options;
    const { detail } = entry;
    const timeout = Math.max(1, probe.timeout);
    if (probe.exec) {
      try {
        const run = await engine.exec(detail.id, probe.exec.command, { timeout, limit: 4096 });
        return { ok: run.exitCode === 0, output: cut(run.output.trim() || `exit code ${run.exitCode}`) };
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown;
        if (thrown.code === 'timeout') return { ok: false, output: `no answer within ${timeout} ms` };
        if (thrown.code === 'invalid' || thrown.code === 'refused') return { ok: false, output: cut(thrown.detail) };
        return 'unknown';
      }
    }
    const port = probe.http?.port ?? probe.tcp?.port;
    if (port === undefined) return 'unreachable';
    this.near ??= dialer.near().catch(() => {
      this.near = undefined;
      return false;
    });
    const machine = dialer.machineOf?.(detail.id);
    const reach = reachOf(detail, port, machine ?? (await this.near));
    if (!reach) return 'unreachable';
    const { host, port: dialled } = reach;
    const request = { container: detail.id, host, port: dialled, timeout };
    const result = await dialer.dial({ ...request, ...(probe.http ? { http: probe.http } : {}) });
    return { ok: result.ok, output: cut(result.output) };
  }
}

function keyOf(name: string, kind: ProbeKind): string {
  return `${name} ${kind}`;
}

function sameRun(one: ContainerDetail, other: ContainerDetail): boolean {
  return one.id === other.id && one.startedAt === other.startedAt;
}

function sameVerdict(one: ProbeVerdict, other: ProbeVerdict): boolean {
  return (
    one.started === other.started &&
    one.ready === other.ready &&
    one.dead === other.dead &&
    one.unreachable === other.unreachable &&
    one.failing?.kind === other.failing?.kind
  );
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
