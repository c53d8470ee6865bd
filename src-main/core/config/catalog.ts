/** Reading the rows: which release who should have, and the views that cross the wire. */
import type {
  ConfigItemDetail,
  ConfigItemView,
  ConfigNamespaceView,
  ConfigReleaseView,
  ConfigUserView,
  GrayRule,
} from '../../contract/api/config';
import type { ConfigItemRow, ConfigReleaseRow, Store } from '../store';
import type { Bound } from './bound';
import { checkText } from './formats/check';
import { fits, type Reader } from './gray';
import { releaseKey } from './keys';
import { limits } from './limits';
import type { User, Users } from './users';

export class Catalog {
  /** Views by item, kept while nothing they show has changed, so that a watched list sends only what is new. */
  private views = new Map<string, { row: ConfigItemRow; users: number; current: number; view: ConfigItemView }>();

  constructor(
    private readonly store: Store,
    private readonly users: Users,
    private readonly bound: Bound,
  ) {}

  release(item: ConfigItemRow, number: number): ConfigReleaseRow | undefined {
    return number === 0 ? undefined : this.store.get('configReleases', releaseKey(item.key, number));
  }

  active(item: ConfigItemRow): ConfigReleaseRow | undefined {
    return this.release(item, item.release);
  }

  /** Does the item's gray rule mean this reader? */
  isGray(item: ConfigItemRow, reader: Reader): boolean {
    const rule = item.gray?.rule;
    return rule !== undefined && this.addressed(rule, reader).some((one) => fits(rule, one, item.key));
  }

  /** The release that this reader should have. */
  wanted(item: ConfigItemRow, reader: Reader): ConfigReleaseRow | undefined {
    if (item.gray && this.isGray(item, reader)) {
      const gray = this.release(item, item.gray.release);
      if (gray) return gray;
    }
    return this.active(item);
  }

  /** A replica that is not there by its address has those that its networks gave it. */
  private addressed(rule: GrayRule, reader: Reader): Reader[] {
    const { replica } = reader;
    if (rule.ips.length === 0 || replica === undefined || reader.ip !== undefined) return [reader];
    const service = this.store.get('serviceStatus', replica.slice(0, replica.lastIndexOf('.')));
    const addresses = Object.values(service?.replicaList.find((one) => one.id === replica)?.addresses ?? {});
    return [reader, ...addresses.map((ip) => ({ ...reader, ip }))];
  }

  /** Kept releases, newest first. */
  releases(item: ConfigItemRow): ConfigReleaseRow[] {
    const found: ConfigReleaseRow[] = [];
    const special = [item.release, item.gray?.release ?? 0];
    const oldest = Math.max(1, item.newest - limits.releases);
    for (let number = item.newest; number >= oldest; number--) {
      const row = this.release(item, number);
      if (row) found.push(row);
    }
    for (const number of special) {
      const row = number > 0 && number < oldest ? this.release(item, number) : undefined;
      if (row && !found.includes(row)) found.push(row);
    }
    return found;
  }

  /** Releases that are over the bounds after a new one; the active, the gray and the newest ones stay. */
  surplus(item: ConfigItemRow): ConfigReleaseRow[] {
    let count = 0;
    let size = 0;
    return this.releases(item).filter((row) => {
      count += 1;
      size += row.size;
      const needed = row.release === item.release || row.release === item.gray?.release || count <= 2;
      return !needed && (count > limits.releases || size > limits.releaseText);
    });
  }

  userViews(item: ConfigItemRow, now: number): ConfigUserView[] {
    const bound = this.bound.users(item, this.active(item), (replica) => this.wanted(item, { replica })?.release ?? 0);
    return [...bound, ...this.users.list(item.key, now).map((user) => this.userView(item, user))].sort((one, two) =>
      one.who < two.who ? -1 : one.who > two.who ? 1 : 0,
    );
  }

  items(rows: readonly ConfigItemRow[], now: number): Map<string, ConfigItemView> {
    const counts = new Map<string, { users: number; current: number }>();
    for (const key of this.bound.items()) {
      const item = this.store.get('configItems', key);
      if (!item) continue;
      const users = this.bound.users(
        item,
        this.active(item),
        (replica) => this.wanted(item, { replica })?.release ?? 0,
      );
      const current = users.filter((user) => user.release === user.wanted && !user.problem).length;
      counts.set(key, { users: users.length, current });
    }
    for (const user of this.users.all(now)) {
      const item = this.store.get('configItems', user.item);
      if (!item) continue;
      const count = counts.get(user.item) ?? { users: 0, current: 0 };
      count.users += 1;
      if (user.release === (this.wanted(item, user)?.release ?? 0)) count.current += 1;
      counts.set(user.item, count);
    }
    const next = new Map<string, ConfigItemView>();
    for (const row of rows) next.set(row.key, this.view(row, counts.get(row.key) ?? { users: 0, current: 0 }));
    return next;
  }

  forget(key: string): void {
    this.views.delete(key);
  }

  detail(row: ConfigItemRow, now: number): ConfigItemDetail {
    const userList = this.userViews(row, now);
    const active = this.active(row);
    const text = row.draft ?? active?.text ?? '';
    const current = userList.filter((user) => user.release === user.wanted && !user.problem).length;
    return {
      ...this.view(row, { users: userList.length, current }),
      text,
      ...(active ? { released: active.text } : {}),
      schema: row.schema,
      problems: checkText(text, row.format, row.schema),
      userList,
      guards: row.guards,
    };
  }

  namespaces(): ConfigNamespaceView[] {
    const items = new Map<string, ConfigItemRow[]>();
    for (const item of this.store.all('configItems')) {
      const own = items.get(item.namespace);
      if (own) own.push(item);
      else items.set(item.namespace, [item]);
    }
    return this.store
      .all('configNamespaces')
      .map((row) => {
        const own = items.get(row.name) ?? [];
        return {
          ...row,
          groups: [...new Set(own.map((item) => item.group))].sort(),
          items: own.length,
          drafts: own.filter((item) => this.edited(item)).length,
        };
      })
      .sort((one, two) => (one.name < two.name ? -1 : 1));
  }

  releaseView(item: ConfigItemRow, row: ConfigReleaseRow): ConfigReleaseView {
    const { text: _text, id: _id, ...rest } = row;
    // Widening appends a release of the same text.
    const widened = this.release(item, row.release + 1)?.text === row.text;
    const withdrawn = row.kind === 'gray' && row.release !== item.gray?.release && !widened;
    const state =
      row.release === item.release
        ? 'active'
        : row.release === item.gray?.release
          ? 'gray'
          : withdrawn
            ? 'withdrawn'
            : 'past';
    return { ...rest, state };
  }

  private edited(item: ConfigItemRow): boolean {
    return item.draft !== undefined && item.draft !== this.active(item)?.text;
  }

  private view(row: ConfigItemRow, count: { users: number; current: number }): ConfigItemView {
    const kept = this.views.get(row.key);
    if (kept?.row === row && kept.users === count.users && kept.current === count.current) return kept.view;
    const { key, namespace, group, name, format, description, release, newest, gray, draftVersion } = row;
    const view: ConfigItemView = {
      key,
      namespace,
      group,
      name,
      format,
      description,
      hasSchema: row.schema.trim() !== '',
      release,
      newest,
      ...(gray ? { gray } : {}),
      draft: this.edited(row),
      draftVersion,
      size: (row.draft ?? this.active(row)?.text ?? '').length,
      ...count,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    };
    this.views.set(key, { row, ...count, view });
    return view;
  }

  private userView(item: ConfigItemRow, user: User): ConfigUserView {
    const { listening, ...rest } = user;
    return { ...rest, listening: listening > 0, wanted: this.wanted(item, user)?.release ?? 0 };
  }
}
