/**
 * What the engine is known to hold. The list is cheap and may be stale, partial or wrong (F5, M7), so it only says whom to look at:
 * every conclusion rests on an `inspect` of that one container, asked after our own last write to it (I5). What is missing from a list
 * is asked for by name before anybody believes that it is gone.
 */
import type { Clock } from '../../base/clock';
import type { Log } from '../../base/log';
import type {
  ContainerDetail,
  ContainerSummary,
  Engine,
  EngineError,
  EngineEvent,
  EngineNetwork,
  EngineVolume,
} from '../engine';
import type { AttemptRow } from '../store';
import { label, serviceKey } from './names';
import { Pool } from './pool';
import type { Rows } from './rows';
import { same } from './same';
import type { Seen } from './types';

interface Entry {
  seen: ContainerDetail | 'gone';
  /** The last detail, kept while `seen` is 'gone' or no longer valid. */
  last?: ContainerDetail;
  valid: boolean;
  /** Grows with each invalidation; an answer asked for before it is worth nothing. */
  version: number;
  /** The last list it was in. */
  listed: number;
}

export interface ObserverOptions {
  engine: Engine;
  clock: Clock;
  rows: Rows;
  installId: string;
  log: Log;
  /** Something about this service may have changed. */
  onDirty: (service: string) => void;
  /** The engine does not answer. */
  onAway: (error: EngineError) => void;
}

/** How long a pass waits for inspects before it calls a container unknown and goes on without it (F4). */
const patience = 1000;
/**
 * Containers looked at anew at each list, so that changes whose event was lost and which no list shows are found in the end: a twentieth
 * of them, but never more than an engine answers in passing (about a millisecond each).
 */
const sweep = { least: 10, most: 100 };

const relevant = /^(?:start|die|pause|unpause|rename|update|destroy|oom|restart|health_status)/;

export class Observer {
  /** In the order in which they were looked at, the one whose turn is next first. */
  private readonly entries = new Map<string, Entry>();
  private readonly pending = new Map<string, Promise<void>>();
  private readonly inspects = new Pool(16);
  private listing: Promise<void> | undefined;
  private listAgain = false;
  /** Containers with our install label but no attempt: spoofed, or from a lost state. Never touched. */
  strangers: ContainerSummary[] = [];
  networks: EngineNetwork[] = [];
  volumes: EngineVolume[] = [];
  /** Counts the lists that were asked for. */
  begun = 0;
  /** The number of the last one that was answered. */
  listed = 0;

  constructor(private readonly options: ObserverOptions) {}

  /** Lists everything anew. Calls while a list is under way share one that starts after it. */
  list(): Promise<void> {
    if (this.listing) {
      this.listAgain = true;
      return this.listing;
    }
    this.listing = this.listLoop().finally(() => {
      this.listing = undefined;
    });
    return this.listing;
  }

  /** What is known of these attempts now; asks where that is not good enough, and waits a moment for the answers. */
  async look(attempts: Iterable<AttemptRow>, skip: (name: string) => boolean): Promise<void> {
    let waits: Promise<void>[] | undefined;
    for (const attempt of attempts) {
      if (skip(attempt.name) || this.entries.get(attempt.name)?.valid) continue;
      (waits ??= []).push(this.inspect(attempt));
    }
    if (!waits) return;
    const asked = Promise.all(waits);
    const { clock } = this.options;
    await new Promise<void>((resolve) => {
      const timer = clock.timer(patience, resolve);
      void asked.then(() => {
        timer.dispose();
        resolve();
      });
    });
  }

  /** The last word about an attempt. */
  seen(name: string): { seen: Seen; last?: ContainerDetail } {
    const entry = this.entries.get(name);
    if (!entry) return { seen: 'unknown' };
    const last = entry.last ? { last: entry.last } : {};
    return { seen: entry.valid ? entry.seen : 'unknown', ...last };
  }

  /** The same without what it was before, for those who compare. */
  known(name: string): Seen {
    const entry = this.entries.get(name);
    return entry?.valid ? entry.seen : 'unknown';
  }

  /** Our own write, or a hint, makes what is known worthless. */
  invalidate(name: string): void {
    const entry = this.entries.get(name);
    if (!entry) return;
    entry.valid = false;
    entry.version += 1;
  }

  /** We know without asking that there is no container: it has never been asked for, or it was refused. */
  setGone(name: string): void {
    const entry = this.entry(name);
    entry.seen = 'gone';
    entry.valid = true;
    entry.version += 1;
  }

  forget(name: string): void {
    this.entries.delete(name);
  }

  /** Everything must be looked at anew, as after the engine was away. */
  invalidateAll(): void {
    for (const entry of this.entries.values()) {
      entry.valid = false;
      entry.version += 1;
    }
  }

  /** A hint from the engine's stream. */
  hint(event: EngineEvent): void {
    const { rows, installId, onDirty } = this.options;
    if (event.type === 'network') {
      const container = event.attributes['container'];
      if (container !== undefined) this.hintContainer(container);
      return;
    }
    if (event.type !== 'container' || !relevant.test(event.action)) return;
    if (this.hintContainer(event.id)) return;
    // A container we do not know by its id yet: perhaps one whose create was not answered.
    if (event.attributes[label.install] !== installId) return;
    const key = serviceKey(event.attributes[label.stack] ?? '', event.attributes[label.service] ?? '');
    const attempt = rows.attemptsOf(key).get(event.name);
    if (!attempt) return;
    this.invalidate(attempt.name);
    onDirty(key);
  }

  private hintContainer(id: string): boolean {
    const { rows, onDirty } = this.options;
    const name = rows.attemptOfContainer(id);
    if (name === undefined) return false;
    this.invalidate(name);
    const service = this.serviceOf(name);
    if (service !== undefined) onDirty(service);
    return true;
  }

  private serviceOf(name: string): string | undefined {
    const [stack = '', ...rest] = name.split('.');
    return serviceKey(stack, rest.slice(0, -2).join('.'));
  }

  private async listLoop(): Promise<void> {
    do {
      this.listAgain = false;
      await this.listOnce();
    } while (this.listAgain);
  }

  private async listOnce(): Promise<void> {
    const { engine, installId, rows, onDirty } = this.options;
    const number = ++this.begun;
    const [containers, networks, volumes] = await Promise.all([
      // Adopted containers carry no label of ours.
      engine.list(rows.hasAdopted() ? undefined : { labels: { [label.install]: installId } }),
      engine.capabilities.networks ? engine.networks() : [],
      engine.capabilities.volumes ? engine.volumes() : [],
    ]);
    this.networks = networks;
    this.volumes = volumes;
    this.listed = number;
    const strangers: ContainerSummary[] = [];
    const dirty = new Set<string>();
    for (const row of containers) {
      const name = rows.attemptOfContainer(row.id) ?? this.unknownYet(row);
      if (name === undefined) {
        if (row.labels[label.install] === installId) strangers.push(row);
        continue;
      }
      const entry = this.entries.get(name);
      if (entry) entry.listed = number;
      if (entry?.valid && (entry.seen === 'gone' || differs(row, entry.seen))) {
        this.invalidate(name);
        const service = this.serviceOf(name);
        if (service !== undefined) dirty.add(service);
      }
    }
    for (const [name, entry] of this.entries) {
      if (entry.listed === number || !entry.valid || entry.seen === 'gone') continue;
      this.invalidate(name);
      const service = this.serviceOf(name);
      if (service !== undefined) dirty.add(service);
    }
    const share = Math.ceil(this.entries.size / 20);
    for (const name of this.next(Math.max(sweep.least, Math.min(sweep.most, share)))) {
      this.invalidate(name);
      const service = this.serviceOf(name);
      if (service !== undefined) dirty.add(service);
    }
    this.strangers = strangers;
    for (const service of dirty) onDirty(service);
  }

  /** The attempt whose create was not answered, when this is its container: by its labels and its name. */
  private unknownYet(row: ContainerSummary): string | undefined {
    const { rows, installId } = this.options;
    if (row.labels[label.install] !== installId) return undefined;
    const key = serviceKey(row.labels[label.stack] ?? '', row.labels[label.service] ?? '');
    return rows.attemptsOf(key).has(row.name) ? row.name : undefined;
  }

  /** Those that were not looked at for longest. */
  private next(count: number): string[] {
    const names: string[] = [];
    for (const [name, entry] of this.entries) {
      if (names.length >= count) break;
      if (entry.valid && entry.seen !== 'gone') names.push(name);
    }
    return names;
  }

  private entry(name: string): Entry {
    let entry = this.entries.get(name);
    if (!entry) {
      entry = { seen: 'gone', valid: false, version: 0, listed: 0 };
      this.entries.set(name, entry);
    }
    return entry;
  }

  /** One inspect per container at a time, however many ask. */
  private inspect(attempt: AttemptRow): Promise<void> {
    const { name } = attempt;
    const running = this.pending.get(name);
    if (running) return running;
    const work = new Promise<void>((resolve) => {
      this.inspects.add(name, async () => {
        try {
          await this.inspectNow(attempt);
        } finally {
          this.pending.delete(name);
          resolve();
        }
      });
    });
    this.pending.set(name, work);
    return work;
  }

  private async inspectNow(attempt: AttemptRow): Promise<void> {
    const { engine, log, onAway } = this.options;
    const entry = this.entry(attempt.name);
    try {
      for (let round = 0; round < 3; round++) {
        const version = entry.version;
        let detail = await engine.inspect(attempt.containerId ?? attempt.name);
        // Renamed or replaced behind our back: the id is gone, but somebody may hold the name.
        if (!detail && attempt.containerId !== undefined) detail = await engine.inspect(attempt.name);
        if (entry.version !== version) continue;
        // What is the same stays the very same, so that nobody has to think about it again.
        if (detail && same(detail, entry.last)) detail = entry.last;
        entry.seen = detail ?? 'gone';
        if (detail && (attempt.containerId ?? detail.id) === detail.id) entry.last = detail;
        entry.valid = true;
        if (this.entries.delete(attempt.name)) this.entries.set(attempt.name, entry);
        return;
      }
    } catch (thrown) {
      const error = thrown as EngineError;
      log('debug', 'inspect failed', { container: attempt.name, error: error.message });
      if (error.code === 'away') onAway(error);
    }
    // Whoever waited too long is told when the answer is there after all.
    this.options.onDirty(attempt.service);
  }
}

/** True when a row of the list does not fit what inspect said. Health is part of the list only while the container runs. */
function differs(row: ContainerSummary, detail: ContainerDetail): boolean {
  return (
    row.id !== detail.id ||
    row.name !== detail.name ||
    row.state !== detail.state ||
    (row.state === 'running' && row.health !== detail.health)
  );
}
