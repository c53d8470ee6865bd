/** What fires: kept in the store, told to the notifier, shown to people. */
import type { Clock } from '../../base/clock';
import type { AlertRule, AlertView } from '../../contract/api/alerts';
import type { EventView, Health } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import { thresholdOf, unitOf } from '../metrics';
import type { AlertRow, Store, Transaction } from '../store';
import { tellingsFor } from './groups';
import type { Tellable } from './groups';
import type { AlertChange, RuleRunner } from './runner';
import { lastMatch, queryOf } from './sources';
import type { AlertState } from './state';
import { isAtLeast, suppressions, type Suppression } from './suppress';
import { expand } from './template';
import { subjectOf } from './payload/text';
import type { Settings } from './settings';

const keptResolved = 2000;
/** The end of an alert is told within this time or not at all. Milliseconds. */
const tellEndFor = 60 * 60 * 1000;

const healths: Record<AlertRow['severity'], Health> = { critical: 'critical', warning: 'warning', info: 'progress' };

export interface BoardOptions {
  store: Store;
  clock: Clock;
  settings: Settings;
  runner: () => RuleRunner;
}

export class Board {
  /** Ends that may still have to be told, by fingerprint; `quiet` ones were suppressed when they ended. */
  private readonly ended = new Map<string, { row: AlertRow; quiet: boolean }>();
  /** Events of what fires, by alert: its end follows from them. */
  private readonly events = new Map<string, string>();
  private suppressed = new Map<string, Suppression>();
  private serial = 0;

  constructor(private readonly options: BoardOptions) {
    const now = options.clock.now();
    for (const row of options.store.all('alerts')) {
      const recent = row.state === 'resolved' && now - (row.resolvedAt ?? 0) < tellEndFor;
      if (recent) this.ended.set(row.id, { row, quiet: false });
    }
  }

  /** States of a rule's alerts from before a restart. */
  firingOf(rule: string): Map<string, AlertState> {
    const states = new Map<string, AlertState>();
    for (const row of this.firingRows()) {
      if (row.rule !== rule) continue;
      const { labels, value, activeAt, firedAt } = row;
      const { alertname: _name, severity: _severity, ...own } = labels;
      states.set(row.id, { labels: own, state: 'firing', held: 0, quiet: 0, value, activeAt, firedAt });
    }
    return states;
  }

  /** Keeps what began and what ended to fire, with an event each. */
  note(changes: readonly AlertChange[]): void {
    const { store } = this.options;
    const known = changes.filter(({ after }) => after.state !== 'pending');
    if (known.length === 0) return;
    store.transact((transaction) => {
      for (const change of known) {
        if (change.after.state === 'firing') this.begin(transaction, change);
        else this.finish(transaction, change);
      }
      const resolved = store.all('alerts').filter(({ state }) => state === 'resolved');
      resolved.sort((one, other) => (one.resolvedAt ?? 0) - (other.resolvedAt ?? 0));
      for (const row of resolved.slice(0, Math.max(0, resolved.length - keptResolved)))
        transaction.remove('alerts', keyOf(row));
    });
  }

  /** Works out anew who is kept quiet; returns what may be told. */
  tellables(): Tellable[] {
    const { store, clock, settings } = this.options;
    const now = clock.now();
    for (const [id, { row }] of this.ended) if (now - (row.resolvedAt ?? 0) > tellEndFor) this.ended.delete(id);
    const firing = this.firingRows();
    const routing = settings.routing();
    const rules = new Map(store.all('rules').map((rule) => [rule.id, rule]));
    this.suppressed = suppressions(
      firing,
      { silences: store.all('silences'), rules, muteTimes: routing.muteTimes },
      now,
    );
    const channelsOf = (row: AlertRow, quiet: boolean): Tellable['channels'] =>
      tellingsFor(row.labels, rules.get(row.rule)?.channels ?? [], routing).flatMap((telling) => {
        const channel = settings.channel(telling.id);
        if (!channel || !isAtLeast(row.severity, channel.least)) return [];
        return [{ ...telling, sendResolved: channel.sendResolved && !quiet }];
      });
    const told = firing.filter((row) => !this.isQuiet(row.id));
    return [
      ...told.map((row): Tellable => ({
        id: row.id,
        state: 'firing',
        labels: row.labels,
        channels: channelsOf(row, false),
      })),
      ...[...this.ended.values()].map(({ row, quiet }): Tellable => {
        return { id: row.id, state: 'resolved', labels: row.labels, channels: channelsOf(row, quiet) };
      }),
    ];
  }

  /** An alert that fires or has just ended, by fingerprint. */
  row(id: string): AlertRow | undefined {
    const row = this.options.store.get('alerts', id);
    return row ? this.fresh(row) : this.ended.get(id)?.row;
  }

  /** Pending and firing ones, and those that ended at or after `since`. */
  views(since: number): AlertView[] {
    const { store } = this.options;
    const rules = store.all('rules');
    const pending = rules.flatMap((rule) =>
      [...this.options.runner().states(rule.id)]
        .filter(([, { state }]) => state === 'pending')
        .map(([id, state]) => this.pendingView(rule, id, state)),
    );
    const rows = store.all('alerts').filter(({ state, resolvedAt = 0 }) => state === 'firing' || resolvedAt >= since);
    return [...pending, ...rows.map((row) => this.view(row))];
  }

  private firingRows(): AlertRow[] {
    return this.options.store.all('alerts').filter(({ state }) => state === 'firing');
  }

  private isQuiet(id: string): boolean {
    const found = this.suppressed.get(id);
    return found !== undefined && (found.silencedBy.length > 0 || found.heldBackBy.length > 0 || found.muted);
  }

  private begin(transaction: Transaction, { rule, id, after }: AlertChange): void {
    const row: AlertRow = {
      id,
      rule: rule.id,
      ...describe(rule, after),
      state: 'firing',
      ...(after.value !== undefined && Number.isFinite(after.value) ? { value: after.value } : {}),
      activeAt: after.activeAt,
      firedAt: after.firedAt ?? this.options.clock.now(),
    };
    this.ended.delete(id);
    transaction.put('alerts', id, row);
    const cause = lastMatch(rule.source, this.options.store.all('events'), after.labels);
    this.events.set(id, this.putEvent(transaction, row, { kind: 'alert.firing', cause }));
  }

  private finish(transaction: Transaction, { id, after }: AlertChange): void {
    const before = transaction.get('alerts', id);
    if (!before) return;
    const row: AlertRow = { ...before, state: 'resolved', resolvedAt: after.resolvedAt ?? this.options.clock.now() };
    this.ended.set(id, { row, quiet: this.isQuiet(id) });
    transaction.remove('alerts', id);
    transaction.put('alerts', keyOf(row), row);
    this.putEvent(transaction, row, { kind: 'alert.resolved', cause: this.events.get(row.id) ?? this.firedBy(row) });
    this.events.delete(row.id);
  }

  /** The event of an alert that began to fire before we were started. */
  private firedBy(row: AlertRow): string | undefined {
    const own = (event: EventView): boolean =>
      event.kind === 'alert.firing' && event.at === row.firedAt && event.words.args?.['alert'] === row.name;
    return this.options.store.all('events').find(own)?.id;
  }

  private putEvent(
    transaction: Transaction,
    row: AlertRow,
    { kind, cause }: { kind: 'alert.firing' | 'alert.resolved'; cause: string | undefined },
  ): string {
    const at = this.options.clock.now();
    const { labels, annotations, name: alert } = row;
    const summary = annotations['summary'] ?? subjectOf(labels);
    const over = kind === 'alert.resolved';
    const id = `${at.toString(36).padStart(9, '0')}-${(this.serial += 1).toString(36)}${row.id.slice(0, 6)}-a`;
    const service = labels['service']?.includes('/') ? labels['service'] : undefined;
    const event: EventView = {
      id,
      at,
      actor: 'alert',
      kind,
      health: over ? 'ok' : healths[row.severity],
      words: sentence(over ? 'event.alertResolved' : 'event.alertFiring', { alert, summary }),
      ...(labels['stack'] ? { stack: labels['stack'] } : {}),
      ...(service ? { service } : {}),
      ...(labels['replica'] ? { replica: labels['replica'] } : {}),
      count: 1,
      mark: 'alert',
      ...(cause === undefined ? {} : { cause }),
    };
    transaction.put('events', id, event);
    return id;
  }

  /** A firing row with the value that it has now. */
  private fresh(row: AlertRow): AlertRow {
    const { store, runner } = this.options;
    const state = row.state === 'firing' ? runner().states(row.rule).get(row.id) : undefined;
    const rule = store.get('rules', row.rule);
    if (!state || !rule || state.value === undefined || !Number.isFinite(state.value)) return row;
    return { ...row, value: state.value, ...describe(rule, state) };
  }

  private view(kept: AlertRow): AlertView {
    const row = this.fresh(kept);
    const found = row.state === 'firing' ? this.suppressed.get(row.id) : undefined;
    const { rule, name, state, severity, labels, annotations, value, activeAt, firedAt, resolvedAt } = row;
    return {
      id: keyOf(row),
      rule,
      name,
      state,
      severity,
      labels,
      annotations,
      ...(value === undefined ? {} : { value }),
      unit: this.unit(rule),
      activeAt,
      firedAt,
      ...(resolvedAt === undefined ? {} : { resolvedAt }),
      silencedBy: found?.silencedBy ?? [],
      heldBackBy: (found?.heldBackBy ?? []).map((id) => this.options.store.get('rules', id)?.name ?? id),
      muted: found?.muted ?? false,
    };
  }

  private pendingView(rule: AlertRule, id: string, state: AlertState): AlertView {
    const { value, activeAt, held } = state;
    const firesAt = this.options.clock.now() + Math.max(0, rule.for - held);
    return {
      id,
      rule: rule.id,
      state: 'pending',
      ...describe(rule, state),
      ...(value === undefined || !Number.isFinite(value) ? {} : { value }),
      unit: this.unit(rule.id),
      activeAt,
      firesAt,
      silencedBy: [],
      heldBackBy: [],
      muted: false,
    };
  }

  /** The unit of a plain metric; what is computed of several has none that we know. */
  private unit(id: string): AlertView['unit'] {
    const source = this.options.store.get('rules', id)?.source;
    if (source?.kind !== 'metric') return 'count';
    try {
      const query = queryOf(source);
      const about = (thresholdOf(query)?.about ?? query).expression;
      return about.kind === 'selector' && about.name !== undefined ? unitOf(about.name) : 'none';
    } catch {
      return 'none';
    }
  }
}

/** Name, labels and texts of an alert, as its rule says them now. */
function describe(
  rule: AlertRule,
  { labels, value }: AlertState,
): Pick<AlertRow, 'name' | 'severity' | 'labels' | 'annotations'> {
  const fill = (texts: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, expand(text, { labels, value })]));
  return {
    name: rule.name,
    severity: rule.severity,
    labels: { ...labels, ...fill(rule.labels), alertname: rule.name, severity: rule.severity },
    annotations: fill(rule.annotations),
  };
}

/** A resolved alert makes room for the next one of the same kind. */
function keyOf({ id, state, firedAt }: AlertRow): string {
  return state === 'firing' ? id : `${id}@${firedAt.toString(36)}`;
}
