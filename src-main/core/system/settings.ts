/** The user's settings: one row, defaults for what was never set. */
import type { Settings } from '../../contract/nouns';
import type { Store } from '../store';

const key = 'settings';

/** What holds before anybody chose. */
export const defaultSettings: Settings = {
  theme: 'system',
  language: 'system',
  density: 'dense',
  closeToTray: true,
  notifications: true,
  saveBattery: true,
  logs: { budgetBytes: 2 * 1024 ** 3, maxAgeDays: 14, linesPerSecond: 5_000, foreign: false },
  metrics: { retentionDays: 30, port: 0 },
  http: { enabled: false, port: 8848, containers: true, open: false },
  charts: [],
  logViews: [],
  firstRunDone: false,
  closeHintShown: false,
};

/** The settings as they hold now; rows written by older versions get the defaults of what they lack. */
export function readSettings(store: Store): Settings {
  const row = store.get('settings', key);
  if (!row) return defaultSettings;
  return {
    ...defaultSettings,
    ...row,
    logs: { ...defaultSettings.logs, ...row.logs },
    metrics: { ...defaultSettings.metrics, ...row.metrics },
    http: { ...defaultSettings.http, ...row.http },
  };
}

/** Changes some of them and returns the whole. Undefined fields stay as they are. */
export function changeSettings(store: Store, change: Partial<Settings>): Settings {
  const given = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>;
  const next: Settings = { ...readSettings(store), ...given };
  store.transact((transaction) => transaction.put('settings', key, next));
  return next;
}
