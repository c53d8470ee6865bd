/** What keeps a firing alert from being told: silences, other alerts that hold it back, and mute times. */
import type { AlertRule, MuteTime, Severity } from '../../contract/api/alerts';
import type { SilenceRow } from '../store';
import { matcherOf, type Labels } from './labels';

/** A firing alert, as far as it matters here. */
export interface Firing {
  id: string;
  rule: string;
  severity: Severity;
  /** With `alertname`. */
  labels: Labels;
}

export interface Suppression {
  silencedBy: string[];
  /** Ids of the rules that hold it back. */
  heldBackBy: string[];
  muted: boolean;
}

export interface Suppressors {
  silences: readonly SilenceRow[];
  rules: ReadonlyMap<string, Pick<AlertRule, 'holdsBack'>>;
  muteTimes: readonly MuteTime[];
}

const ranks: Record<Severity, number> = { critical: 2, warning: 1, info: 0 };

/** Whether `severity` is at least as severe as `least`. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return ranks[severity] >= ranks[least];
}

/** Who is kept quiet, by alert. */
export function suppressions(firing: readonly Firing[], given: Suppressors, now: number): Map<string, Suppression> {
  const active = given.silences
    .filter(({ startsAt, endsAt }) => startsAt <= now && now < endsAt)
    .map((silence) => ({ id: silence.id, matches: safely(silence) }));
  const mutes = given.muteTimes.filter((time) => isMuted(time, now));
  return new Map(
    firing.map((alert) => {
      const silencedBy = active.filter(({ matches }) => matches(alert.labels)).map(({ id }) => id);
      const heldBackBy = new Set<string>();
      for (const source of firing) if (holdsBack(source, alert, given.rules)) heldBackBy.add(source.rule);
      const muted = mutes.some(({ except }) => except === undefined || !isAtLeast(alert.severity, except));
      return [alert.id, { silencedBy, heldBackBy: [...heldBackBy], muted }];
    }),
  );
}

/** Whether the mute time is on. Its times are this machine's; one that ends before it begins lasts over midnight. */
export function isMuted({ days, from, to }: MuteTime, now: number): boolean {
  const date = new Date(now);
  const minute = date.getHours() * 60 + date.getMinutes();
  const today = days.length === 0 || days.includes(date.getDay());
  if (from <= to) return today && minute >= from && minute < to;
  const yesterday = days.length === 0 || days.includes((date.getDay() + 6) % 7);
  return (today && minute >= from) || (yesterday && minute < to);
}

/** An alert never holds itself back, nor its own rule's others; a label that both lack is equal. */
function holdsBack(source: Firing, target: Firing, rules: Suppressors['rules']): boolean {
  const { holdsBack: held } = rules.get(source.rule) ?? {};
  if (!held || source.rule === target.rule || !held.rules.includes(target.rule)) return false;
  return held.equal.every((name) => (source.labels[name] ?? '') === (target.labels[name] ?? ''));
}

/** A silence that was stored with a pattern that is none matches nothing. */
function safely(silence: SilenceRow): (labels: Labels) => boolean {
  try {
    return matcherOf(silence.matchers);
  } catch {
    return () => false;
  }
}
