/** The tree at the left of the config center: namespaces, their groups, their items. Pure. */
import type { ConfigItemView, ConfigNamespaceView, ConfigUserView } from '../../../src-main/contract/api/config';

/** Every format an item can have. */
export const formats: readonly ConfigItemView['format'][] = [
  'text',
  'json',
  'yaml',
  'toml',
  'properties',
  'xml',
  'env',
];

export interface TreeRow {
  kind: 'namespace' | 'group' | 'item';
  /** Unique in the tree; an item's is its key. */
  id: string;
  label: string;
  depth: number;
  open?: boolean;
  count?: number;
  item?: ConfigItemView;
}

/** Rows in the order they are drawn. A group is a row of its own only where a namespace has several. `closed` holds ids of folders. */
export function treeRows(
  namespaces: readonly ConfigNamespaceView[],
  items: readonly ConfigItemView[],
  look: { closed: ReadonlySet<string>; filter: string },
): TreeRow[] {
  const wanted = look.filter.trim().toLowerCase();
  const shown = wanted === '' ? items : items.filter((item) => item.key.toLowerCase().includes(wanted));
  const names = new Set([...namespaces.map((one) => one.name), ...items.map((item) => item.namespace)]);
  const rows: TreeRow[] = [];
  for (const namespace of [...names].sort()) {
    const own = shown.filter((item) => item.namespace === namespace);
    if (wanted !== '' && own.length === 0) continue;
    const id = `${namespace}/`;
    const open = wanted !== '' || !look.closed.has(id);
    rows.push({ kind: 'namespace', id, label: namespace, depth: 0, open, count: own.length });
    if (!open) continue;
    const groups = [...new Set(own.map((item) => item.group))].sort();
    for (const group of groups) {
      const members = own.filter((item) => item.group === group).sort((one, two) => one.name.localeCompare(two.name));
      const alone = groups.length === 1 && group === 'default';
      const groupId = `${namespace}/${group}/`;
      const groupOpen = alone || wanted !== '' || !look.closed.has(groupId);
      if (!alone) {
        rows.push({ kind: 'group', id: groupId, label: group, depth: 1, open: groupOpen, count: members.length });
      }
      if (!groupOpen) continue;
      for (const item of members) {
        rows.push({ kind: 'item', id: item.key, label: item.name, depth: alone ? 1 : 2, item });
      }
    }
  }
  return rows;
}

/** The id of an item out of its key `<namespace>/<group>/<name>`; undefined when it is none. */
export function itemIdOf(key: string): { namespace: string; group: string; name: string } | undefined {
  const [namespace, group, ...rest] = key.split('/');
  const name = rest.join('/');
  return namespace && group && name ? { namespace, group, name } : undefined;
}

/** The format that a file's name suggests. */
export function formatOf(name: string): ConfigItemView['format'] {
  const extension = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const known: Record<string, ConfigItemView['format']> = {
    json: 'json',
    yaml: 'yaml',
    yml: 'yaml',
    toml: 'toml',
    properties: 'properties',
    xml: 'xml',
    env: 'env',
    txt: 'text',
  };
  return known[extension] ?? 'text';
}

/** Words apart by commas or white space, without empty ones. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/** The reader has the release it should have, and its program was told. */
export function isCurrent(user: ConfigUserView): boolean {
  return user.release === user.wanted && !user.problem;
}

/** Those with a problem first, then those that wait, then those who have what they should. */
export function byNeed(users: readonly ConfigUserView[]): ConfigUserView[] {
  const rank = (user: ConfigUserView): number => (user.problem ? 0 : isCurrent(user) ? 2 : 1);
  return [...users].sort((one, two) => rank(one) - rank(two));
}
