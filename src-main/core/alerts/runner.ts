/**
 * Evaluates rules, one after another, and keeps what they make fire. Time counts only while the world is watched: asleep, with the
 * engine away and for a moment after, states stay as they are.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { AlertRule } from '../../contract/api/alerts';
import { toProblem, type Problem } from '../../contract/errors';
import { watchRange } from '../metrics';
import { fingerprint } from './labels';
import { look, queryOf, type Sight, type Sources } from './sources';
import { step, type AlertState, type Seen } from './state';

/** Milliseconds. */
export const evaluationInterval = 15_000;
const pulseEvery = 5_000;
/** After sleep, a jump of the clock or the engine's return the figures need a moment to mean something. */
const settleFor = 30_000;
const clockSlack = 3_000;
/** Without any measurement for so long, while awake, nothing is there to measure any more. */
const missingFor = 300_000;
const longestReplay = 24 * 60 * 60 * 1000;

export interface RuleReport {
  evaluatedAt?: number;
  took?: number;
  measured: boolean;
  problem?: Problem;
}

/** An alert whose state has changed. */
export interface AlertChange {
  rule: AlertRule;
  id: string;
  after: AlertState;
}

interface Watched {
  rule: AlertRule;
  states: Map<string, AlertState>;
  report: RuleReport;
  /** Monotonic; undefined before the first evaluation and after a time that does not count. */
  countedAt: number | undefined;
  dueAt: number;
  missing: number;
  replayed: boolean;
}

export interface RunnerOptions {
  clock: Clock;
  log: Log;
  sources: Sources;
  /** Whether an engine is there to be measured. */
  measuring: () => boolean;
  onChange: (changes: readonly AlertChange[]) => void;
  /** After each round, for what depends on time alone. */
  onPulse: () => void;
}

export class RuleRunner implements Disposable {
  private readonly watched = new Map<string, Watched>();
  private timer: Disposable | undefined;
  private busy = false;
  private disposed = false;
  private pulsedAt: { wall: number; monotonic: number } | undefined;
  private settledAt = 0;
  /** Monotonic; since when nothing was missed. */
  private watchedSince = -Infinity;

  constructor(private readonly options: RunnerOptions) {}

  start(): void {
    this.settledAt = this.options.clock.monotonic() + settleFor;
    this.arm();
  }

  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
  }

  /** Takes over a rule, new or changed; what it made fire goes on. `firing` are states from before a restart. */
  put(rule: AlertRule, firing: ReadonlyMap<string, AlertState> = new Map()): void {
    const known = this.watched.get(rule.id);
    const dueAt = this.options.clock.monotonic();
    const states = known?.states ?? new Map(firing);
    const report = { measured: true };
    this.watched.set(rule.id, { rule, states, report, countedAt: undefined, dueAt, missing: 0, replayed: false });
    if (!rule.enabled) this.end(rule.id);
  }

  remove(id: string): void {
    this.end(id);
    this.watched.delete(id);
  }

  report(id: string): RuleReport {
    return this.watched.get(id)?.report ?? { measured: true };
  }

  /** Pending and firing alerts of a rule. */
  states(id: string): ReadonlyMap<string, AlertState> {
    return this.watched.get(id)?.states ?? new Map();
  }

  /** Evaluates what is due. Called by the clock; tests may call it, too. */
  async pulse(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const awake = this.look();
      for (const watched of [...this.watched.values()]) {
        if (this.disposed) return;
        if (!watched.rule.enabled || this.watched.get(watched.rule.id) !== watched) continue;
        // Events need no figures; everything else waits until those mean something.
        if (!awake && watched.rule.source.kind !== 'event') watched.countedAt = undefined;
        // Who was asleep logged nothing: few lines say something once all of their window was awake.
        else if (!this.wasWatched(watched.rule.source)) watched.countedAt = undefined;
        else if (watched.dueAt <= this.options.clock.monotonic()) await this.evaluate(watched);
      }
      this.options.onPulse();
    } finally {
      this.busy = false;
    }
  }

  private arm(): void {
    this.timer = this.options.clock.timer(pulseEvery, () => {
      this.pulse()
        .catch((thrown: unknown) =>
          this.options.log('error', 'alert rules cannot be evaluated', { reason: String(thrown) }),
        )
        .finally(() => {
          if (!this.disposed) this.arm();
        });
    });
  }

  /** Whether figures mean something now. */
  private look(): boolean {
    const { clock, measuring } = this.options;
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    const before = this.pulsedAt;
    this.pulsedAt = { wall, monotonic };
    const jumped = before && Math.abs(wall - before.wall - (monotonic - before.monotonic)) > clockSlack;
    const paused = before && monotonic - before.monotonic > 4 * pulseEvery;
    if (jumped || paused) this.watchedSince = monotonic;
    if (jumped || paused || !measuring()) this.settledAt = monotonic + settleFor;
    return monotonic >= this.settledAt;
  }

  private wasWatched(source: AlertRule['source']): boolean {
    if (source.kind !== 'log' || source.condition !== 'below') return true;
    return this.options.clock.monotonic() - this.watchedSince >= source.within;
  }

  private async evaluate(watched: Watched): Promise<void> {
    const { clock, sources } = this.options;
    const { rule } = watched;
    const began = clock.monotonic();
    const now = clock.now();
    watched.dueAt = began + evaluationInterval;
    try {
      if (!watched.replayed) await this.replay(watched, now);
      const sight = await look(rule, sources, now);
      if (this.disposed || this.watched.get(rule.id) !== watched || !watched.rule.enabled) return;
      const elapsed = watched.countedAt === undefined ? 0 : Math.min(began - watched.countedAt, 2 * evaluationInterval);
      watched.countedAt = began;
      watched.report = { evaluatedAt: now, took: clock.monotonic() - began, measured: sight.measured };
      const rows = this.rowsOf(watched, sight, elapsed);
      if (rows) this.apply(watched, rows, { now, elapsed });
    } catch (thrown) {
      watched.countedAt = undefined;
      watched.report = { ...watched.report, evaluatedAt: now, problem: toProblem(thrown) };
    }
  }

  /** The rows that count, or undefined when nothing may be concluded. */
  private rowsOf(watched: Watched, { rows, measured }: Sight, elapsed: number): Seen[] | undefined {
    if (measured) {
      watched.missing = 0;
      return rows;
    }
    watched.missing += elapsed;
    switch (watched.rule.noData) {
      case 'ok':
        return [];
      case 'alert':
        return [{ labels: {}, value: NaN }];
      case 'keep':
        return watched.missing > missingFor ? [] : undefined;
    }
  }

  private apply(watched: Watched, rows: readonly Seen[], time: { now: number; elapsed: number }): void {
    const { rule, states } = watched;
    const seen = new Map(rows.map((row) => [fingerprint(rule.id, row.labels), row]));
    const changes: AlertChange[] = [];
    for (const id of new Set([...states.keys(), ...seen.keys()])) {
      const before = states.get(id);
      const after = step(before, seen.get(id), { rule, ...time });
      if (after && after.state !== 'resolved') states.set(id, after);
      else states.delete(id);
      if (after && after.state !== before?.state) changes.push({ rule, id, after });
    }
    if (changes.length > 0) this.options.onChange(changes);
  }

  /** Finds out how long the condition has held already, so that a restart does not begin to count anew. */
  private async replay(watched: Watched, now: number): Promise<void> {
    const { rule, states } = watched;
    watched.replayed = true;
    if (rule.source.kind !== 'metric' || rule.for === 0 || rule.for > longestReplay) return;
    const from = now - rule.for - 2 * evaluationInterval;
    const span = { from, to: now - evaluationInterval, step: evaluationInterval };
    const { rows, measured } = await watchRange(this.options.sources.reader, queryOf(rule.source), span);
    for (const { labels, values } of rows) {
      const { __name__: _name, ...own } = labels;
      const id = fingerprint(rule.id, own);
      if (states.has(id)) continue;
      let state: AlertState | undefined;
      values.forEach((value, at) => {
        // Where nothing was measured nothing is concluded, and no time passes.
        if (Number.isNaN(value) && measured[at] === 0) return;
        const seen = Number.isNaN(value) ? undefined : { labels: own, value };
        const options = {
          rule: { for: Infinity, keepFiringFor: 0 },
          now: from + at * evaluationInterval,
          elapsed: evaluationInterval,
        };
        state = step(state, seen, options);
      });
      if (state) states.set(id, state);
    }
    watched.countedAt = this.options.clock.monotonic() - evaluationInterval;
  }

  /** A rule that is off has no alerts: those that fire are over. */
  private end(id: string): void {
    const watched = this.watched.get(id);
    if (!watched) return;
    const now = this.options.clock.now();
    const over = [...watched.states].filter(([, { state }]) => state === 'firing');
    watched.states.clear();
    const changes = over.map(([key, state]): AlertChange => {
      return { rule: watched.rule, id: key, after: { ...state, state: 'resolved', resolvedAt: now } };
    });
    if (changes.length > 0) this.options.onChange(changes);
  }
}
