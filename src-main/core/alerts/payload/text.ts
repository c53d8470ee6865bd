/** The words of a notice. */
import { commonLabels } from '../labels';
import type { AlertRow } from '../../store';
import { english, type Speaker } from './speaker';

/** A notice's alerts, firing first. */
export interface Notice {
  id: string;
  groupLabels: Record<string, string>;
  firing: readonly AlertRow[];
  resolved: readonly AlertRow[];
}

const hidden = new Set(['alertname', 'severity', 'stack', 'service', 'replica']);

/** `[FIRING:2] Crash loop · shop/web`. */
export function titleOf({ firing, resolved }: Notice, speaker: Speaker = english): string {
  const all = [...firing, ...resolved];
  const names = [...new Set(all.map((alert) => speaker.nameOf(alert)))];
  const shown = speaker.names(names.slice(0, 3), Math.max(0, names.length - 3));
  const subject = subjectOf(commonLabels(all.map(({ labels }) => labels)));
  const status = firing.length > 0 ? speaker.firing(firing.length) : speaker.resolved;
  return oneLine(subject === '' ? `${status} ${shown}` : `${status} ${shown} · ${subject}`);
}

/** What an alert is about: its replica, service or stack. */
export function subjectOf(labels: Readonly<Record<string, string>>): string {
  return labels['replica'] ?? labels['service'] ?? labels['stack'] ?? labels['engine'] ?? '';
}

/** An alert in one line: what it says of itself, else its name and labels. */
export function lineOf(alert: AlertRow, speaker: Speaker = english): string {
  const summary = speaker.summaryOf(alert);
  if (summary) return oneLine(summary);
  const { labels } = alert;
  const more = Object.entries(labels).filter(([label]) => !hidden.has(label));
  return oneLine(
    [speaker.nameOf(alert), subjectOf(labels), ...more.map(([label, value]) => `${label}=${value}`)]
      .filter((part) => part !== '')
      .join(' '),
  );
}

/** The worst severity, for colours and priorities. */
export function worstOf({ firing }: Notice): 'critical' | 'warning' | 'info' | 'ok' {
  const severities = new Set(firing.map(({ severity }) => severity));
  return (['critical', 'warning', 'info'] as const).find((one) => severities.has(one)) ?? 'ok';
}

/** Lines of firing and resolved alerts; more than `most` are counted. */
export function listOf(
  { firing, resolved }: Notice,
  { most = 20, speaker = english }: { most?: number; speaker?: Speaker } = {},
): { text: string; over: boolean }[] {
  const lines = [
    ...firing.map((alert) => ({ text: lineOf(alert, speaker), over: false })),
    ...resolved.map((alert) => ({ text: lineOf(alert, speaker), over: true })),
  ];
  const rest = lines.length - most;
  return rest > 0 ? [...lines.slice(0, most), { text: speaker.rest(rest), over: false }] : lines;
}

// eslint-disable-next-line no-control-regex -- these are what must go
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/** Labels come from containers: no control characters, no line feeds, no walls of text. */
export function oneLine(text: string): string {
  return text.replace(unprintable, ' ').trim().slice(0, 500);
}
