/**
 * Health on Podman. Its checks are timers of systemd, so without systemd nobody runs them; and its event of a check comes before the
 * check has an outcome. So the outcome is looked at after each event, told when it is another one than before, and a check that is
 * overdue is run from here. A check costs two small calls each interval.
 */
import type { Disposable } from '../../base/lifecycle';
import type { ContainerHealth, ContainerSummary, EngineEvent } from '../../core/engine';
import { path, type Client } from './client';
import { fields, text, textMap, items, limit, time } from './parse';
import { toDetail } from './translate';

/** Between two looks at what is due, milliseconds. */
const period = 500;
/** A check that somebody else runs may be late by so much, milliseconds. */
const patience = 3_000;
/** After an event of a check, until its outcome is there, milliseconds. */
const settling = 500;
const checksAtOnce = 4;
/** Docker's own interval, milliseconds. */
const usualInterval = 30_000;
/** Podman waits for the end of a check; a longer one is not waited for. Milliseconds. */
const longestCheck = 120_000;

interface Watched {
  id: string;
  /** Monotonic time of the next look. */
  due: number;
  busy: boolean;
  health?: ContainerHealth;
}

export interface HealthOptions {
  client: Client;
  deadline: number;
  onChange: (event: EngineEvent) => void;
}

export class PodmanHealth implements Disposable {
  /** Nobody else ran an overdue check. */
  drives = false;
  private readonly watched = new Map<string, Watched>();
  private readonly stop = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: HealthOptions) {}

  /** Rows of a list: whoever has a check is looked after. */
  see(rows: readonly Pick<ContainerSummary, 'id' | 'health'>[]): void {
    for (const { id, health } of rows) if (health !== 'none') this.look(id, 0);
  }

  /** An event of the engine: false when it is about a check, whose outcome is told from here. */
  hear(event: EngineEvent): boolean {
    if (event.type !== 'container') return true;
    if (event.action.startsWith('health_status')) {
      this.look(event.id, settling);
      return false;
    }
    if (event.action === 'start' || event.action === 'unpause') this.look(event.id, 0, true);
    if (event.action === 'destroy') this.watched.delete(event.id);
    return true;
  }

  dispose(): void {
    this.stop.abort();
    clearTimeout(this.timer);
    this.watched.clear();
  }

  /** Looks at a container soon. Who is known is not looked at earlier because he is seen once more. */
  private look(id: string, delay: number, anew = delay > 0): void {
    if (this.stop.signal.aborted) return;
    const due = performance.now() + delay;
    const known = this.watched.get(id);
    if (!known) this.watched.set(id, { id, due, busy: false });
    else if (anew) known.due = Math.min(known.due, due);
    this.timer ??= setTimeout(() => this.round(), period);
  }

  private round(): void {
    this.timer = undefined;
    const now = performance.now();
    let busy = [...this.watched.values()].filter((one) => one.busy).length;
    for (const one of this.watched.values()) {
      if (one.busy || one.due > now) continue;
      if (busy >= checksAtOnce) break;
      busy += 1;
      one.busy = true;
      void this.attend(one).finally(() => (one.busy = false));
    }
    if (this.watched.size > 0) this.timer = setTimeout(() => this.round(), period);
  }

  private async attend(one: Watched): Promise<void> {
    try {
      const next = await this.inspect(one);
      if (next === undefined || next > Date.now()) {
        this.plan(one, next);
        return;
      }
      await this.run(one.id);
      this.drives = true;
      this.plan(one, await this.inspect(one));
    } catch {
      // The engine is away, or the container went meanwhile: the next look tells.
      one.due = performance.now() + patience;
    }
  }

  private plan(one: Watched, next: number | undefined): void {
    if (next === undefined) this.watched.delete(one.id);
    else one.due = performance.now() + Math.max(period, next - Date.now());
  }

  /** Wall time at which its next check is overdue; undefined when it has none or does not run. */
  private async inspect(one: Watched): Promise<number | undefined> {
    const { client, deadline, onChange } = this.options;
    const { signal } = this.stop;
    const body = fields(await client.ask({ method: 'GET', path: path`/containers/${one.id}/json`, deadline, signal }));
    const check = fields(fields(body['Config'])['Healthcheck']);
    const { state, health, startedAt, name } = toDetail(body);
    const [how = 'NONE'] = items(check['Test']).map((word) => text(word, 64));
    if (state !== 'running' || startedAt === undefined || how === 'NONE') return undefined;
    if (one.health !== undefined && one.health !== health) {
      const attributes = { ...textMap(fields(body['Config'])['Labels']), name };
      onChange({
        type: 'container',
        action: `health_status: ${health}`,
        id: one.id,
        name,
        attributes,
        at: Date.now(),
      });
    }
    one.health = health;
    const log = items(fields(fields(body['State'])['Health'])['Log']).map((entry) => time(fields(entry)['End']) ?? 0);
    const interval = (limit(check['Interval']) ?? usualInterval * 1e6) / 1e6;
    return Math.max(startedAt, ...log) + interval + (this.drives ? 0 : patience);
  }

  private async run(id: string): Promise<void> {
    const { client } = this.options;
    await client.ask({
      method: 'GET',
      path: path`/libpod/containers/${id}/healthcheck`,
      deadline: longestCheck,
      signal: this.stop.signal,
    });
  }
}
