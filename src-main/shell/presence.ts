/** What the shell itself watches in the core: settings, services and engines; for tray, notices, theme and language. */
import { DisposableStore, type Disposable } from '../base/lifecycle';
import type { Client } from '../contract/client';
import type { EngineView, ServiceView, Settings } from '../contract/nouns';
import type { DesktopNotice } from '../contract/api/alerts';
import type { ListChange } from '../contract/api/stacks';
import { glance, type Glance } from './glance';

export interface Presence {
  settings(settings: Settings): void;
  glance(value: Glance): void;
  notice(notice: DesktopNotice): void;
}

/** Watches through the shell's own client, until disposed or the client closes. */
export function watchPresence(client: Client, heard: Presence): Disposable {
  const owned = new DisposableStore();
  const services = new Map<string, ServiceView>();
  let engines: EngineView[] = [];
  const look = (): void => {
    const selected = engines.find((engine) => engine.selected);
    const away = selected?.state === 'away';
    heard.glance(
      glance(
        [...services.values()].map((service) => service.health),
        away,
      ),
    );
  };
  owned.add(client.open('notices.desktop', {}, { item: (notice) => heard.notice(notice) }));
  owned.add(client.open('settings.watch', {}, { item: (settings) => heard.settings(settings) }));
  owned.add(
    client.open(
      'services.watch',
      {},
      {
        item: (change) => {
          merge(services, change, (row) => row.key);
          look();
        },
      },
    ),
  );
  const known = new Map<string, EngineView>();
  owned.add(
    client.open(
      'engines.watch',
      {},
      {
        item: (change) => {
          merge(known, change, (row) => row.id);
          engines = [...known.values()];
          look();
        },
      },
    ),
  );
  return owned;
}

function merge<Row>(rows: Map<string, Row>, change: ListChange<Row>, key: (row: Row) => string): void {
  if (change.reset) rows.clear();
  for (const row of change.put) rows.set(key(row), row);
  for (const gone of change.gone) rows.delete(gone);
}
