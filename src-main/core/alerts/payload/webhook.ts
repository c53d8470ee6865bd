/** Alertmanager's webhook, version 4. */
import type { AlertRow } from '../../store';
import { commonLabels } from '../labels';
import type { Notice } from './text';

const endless = '0001-01-01T00:00:00Z';

/** The JSON that Alertmanager's receivers take. */
export function webhookBody(notice: Notice, given: { receiver: string; group: string; externalUrl: string }): string {
  const alerts = [
    ...notice.firing.map((row) => alertOf(row, given)),
    ...notice.resolved.map((row) => alertOf(row, given)),
  ];
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{${Object.entries(notice.groupLabels)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(', ')}}`,
    truncatedAlerts: 0,
    status: notice.firing.length > 0 ? 'firing' : 'resolved',
    receiver: given.receiver,
    groupLabels: notice.groupLabels,
    commonLabels: commonLabels(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonLabels(alerts.map(({ annotations }) => annotations)),
    externalURL: given.externalUrl,
    alerts,
  });
}

interface WebhookAlert {
  status: AlertRow['state'];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL: string;
  fingerprint: string;
}

function alertOf(row: AlertRow, { externalUrl }: { externalUrl: string }): WebhookAlert {
  return {
    status: row.state,
    labels: row.labels,
    annotations: row.annotations,
    startsAt: new Date(row.activeAt).toISOString(),
    endsAt: row.resolvedAt === undefined ? endless : new Date(row.resolvedAt).toISOString(),
    generatorURL: `${externalUrl}alerts?rule=${encodeURIComponent(row.rule)}`,
    fingerprint: row.id.slice(0, 16),
  };
}
