/**
 * How a later file changes an earlier one, and a service the one it extends: the merge rules of the Compose Specification. Maps are
 * merged, lists appended, single values replaced; the tables below hold the exceptions. Positions stay with the value that won.
 */
import type { Entry, ListNode, MapNode, Node, Path, ScalarNode } from './node';
import { child, isNull, textNode } from './node';
import { parsePortText } from './ports';
import { scalarText } from './scalar';
import { splitMount } from './mountText';

type Rule = 'replace' | 'pairs' | 'append' | 'depends' | 'networks' | 'build' | 'logging' | 'subnets' | 'ulimit';
type Keyed = 'text' | 'name' | 'port' | 'target' | 'device' | 'config' | 'secret' | 'path';

/** `*` stands for any key. */
const rules: Record<string, Rule> = {
  'services.*.annotations': 'pairs',
  'services.*.build': 'build',
  'services.*.build.additional_contexts': 'pairs',
  'services.*.build.args': 'pairs',
  'services.*.build.extra_hosts': 'append',
  'services.*.build.labels': 'pairs',
  'services.*.command': 'replace',
  'services.*.depends_on': 'depends',
  'services.*.deploy.labels': 'pairs',
  'services.*.dns': 'append',
  'services.*.dns_opt': 'append',
  'services.*.dns_search': 'append',
  'services.*.entrypoint': 'replace',
  'services.*.env_file': 'append',
  'services.*.environment': 'pairs',
  'services.*.extra_hosts': 'append',
  'services.*.healthcheck.test': 'replace',
  'services.*.label_file': 'append',
  'services.*.labels': 'pairs',
  'services.*.logging': 'logging',
  'services.*.networks': 'networks',
  'services.*.sysctls': 'pairs',
  'services.*.tmpfs': 'append',
  'services.*.ulimits.*': 'ulimit',
  'networks.*.ipam.config': 'subnets',
  'networks.*.labels': 'pairs',
  'volumes.*.labels': 'pairs',
  'configs.*.labels': 'pairs',
  'secrets.*.labels': 'pairs',
};

/** Lists in which an item may stand once; of two with the same key the later wins, in the earlier one's place. */
const unique: Record<string, Keyed> = {
  'services.*.build.extra_hosts': 'text',
  'services.*.build.tags': 'text',
  'services.*.cap_add': 'text',
  'services.*.cap_drop': 'text',
  'services.*.configs': 'config',
  'services.*.devices': 'device',
  'services.*.dns': 'text',
  'services.*.dns_opt': 'text',
  'services.*.dns_search': 'text',
  'services.*.env_file': 'path',
  'services.*.expose': 'text',
  'services.*.external_links': 'text',
  'services.*.extra_hosts': 'text',
  'services.*.group_add': 'text',
  'services.*.label_file': 'text',
  'services.*.links': 'text',
  'services.*.networks.*.aliases': 'text',
  'services.*.networks.*.link_local_ips': 'text',
  'services.*.ports': 'port',
  'services.*.profiles': 'text',
  'services.*.secrets': 'secret',
  'services.*.security_opt': 'text',
  'services.*.tmpfs': 'name',
  'services.*.volumes': 'target',
};

/** The merged tree of two documents, or of two services when `path` says so. Neither input is changed. */
export function merge(base: Node, over: Node, path: Path = []): Node {
  if (over.tag === 'override') return tidy(over, path);
  if (isNull(over) && over.tag === undefined) return base;
  if (isNull(base)) return tidy(over, path);
  const key = pattern(path);
  switch (rules[key]) {
    case 'replace':
      return over;
    case 'pairs':
      return mergeMaps(asPairs(base), asPairs(over), path);
    case 'append':
      return dedupe(append(asList(base), asList(over)), unique[key]);
    case 'depends':
      return mergeMaps(asKeys(base, 'condition'), asKeys(over, 'condition'), path);
    case 'networks':
      return mergeMaps(asKeys(base), asKeys(over), path);
    case 'build':
      return mergeMaps(asContext(base), asContext(over), path);
    case 'logging':
      return sameDriver(base, over) ? mergeMaps(base, over, path) : over;
    case 'subnets':
      return mergeSubnets(base, over, path);
    case 'ulimit':
      return base.kind === 'map' && over.kind === 'map' ? mergeMaps(base, over, path) : over;
    case undefined:
      break;
  }
  if (base.kind === 'map' && over.kind === 'map') return mergeMaps(base, over, path);
  if (base.kind === 'list' && over.kind === 'list') return dedupe(append(base, over), unique[key]);
  return tidy(over, path);
}

/** Removes what `!reset` says, doubled items of keyed lists and the tags themselves; for a tree without anything below it. */
export function tidy(node: Node, path: Path = []): Node {
  const plain: Node = node.tag === undefined ? node : { ...node, tag: undefined };
  if (plain.kind === 'list')
    return rules[pattern(path)] === 'pairs' ? asPairs(plain) : dedupe(plain, unique[pattern(path)]);
  if (plain.kind !== 'map') return plain;
  const entries = new Map<string, Entry>();
  for (const [key, entry] of plain.entries) {
    if (entry.node.tag !== 'reset') entries.set(key, { at: entry.at, node: tidy(entry.node, [...path, key]) });
  }
  return { ...plain, entries };
}

function mergeMaps(base: Node, over: Node, path: Path): Node {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const before = entries.get(key);
    const inside = [...path, key];
    if (entry.node.tag === 'reset') entries.delete(key);
    else if (before === undefined) entries.set(key, { at: entry.at, node: tidy(entry.node, inside) });
    else {
      const node = merge(before.node, entry.node, inside);
      entries.set(key, { at: node === before.node ? before.at : entry.at, node });
    }
  }
  return { kind: 'map', entries, at: over.at };
}

function append(base: Node, over: Node): Node {
  if (base.kind !== 'list' || over.kind !== 'list') return over;
  return { kind: 'list', items: [...base.items, ...over.items], at: over.at };
}

function mergeSubnets(base: Node, over: Node, path: Path): Node {
  if (base.kind !== 'list' || over.kind !== 'list') return over;
  const items = [...base.items];
  for (const item of over.items) {
    const subnet = child(item, 'subnet');
    const index = items.findIndex((each) => sameText(child(each, 'subnet'), subnet));
    if (index < 0 || subnet === undefined) items.push(item);
    else items[index] = mergeMaps(items[index]!, item, [...path, '*']);
  }
  return { kind: 'list', items, at: over.at };
}

function sameDriver(base: Node, over: Node): boolean {
  const before = child(base, 'driver');
  const after = child(over, 'driver');
  return before === undefined || after === undefined || sameText(before, after);
}

function sameText(left: Node | undefined, right: Node | undefined): boolean {
  return left?.kind === 'scalar' && right?.kind === 'scalar' && left.value === right.value;
}

/** `services.*.ports`: the names that users choose become `*`. */
function pattern(path: Path): string {
  if (path.length < 3 || path.length > 5) return '';
  const parts = path.map(String);
  parts[1] = '*';
  if (parts.length === 4 && (parts[2] === 'networks' || parts[2] === 'ulimits')) parts[3] = '*';
  if (parts.length === 5 && parts[2] === 'networks') parts[3] = '*';
  return parts.join('.');
}

/** `[A=1, B]` as `{A: 1, B: null}`. */
export function asPairs(node: Node): Node {
  if (node.kind !== 'list') return node;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.kind !== 'scalar' || item.value === null) return node;
    const text = scalarText(item.value);
    const equals = text.indexOf('=');
    const key = equals < 0 ? text : text.slice(0, equals);
    entries.set(key, { at: item.at, node: textNode(equals < 0 ? null : text.slice(equals + 1), item.at) });
  }
  return { kind: 'map', entries, at: node.at };
}

/** `[db, cache]` as `{db: {…}, cache: {…}}`. */
export function asKeys(node: Node, fill?: 'condition'): Node {
  if (node.kind !== 'list') return node;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') return node;
    const inner: MapNode = { kind: 'map', entries: new Map(), at: item.at };
    if (fill === 'condition') {
      inner.entries.set('condition', { at: item.at, node: textNode('service_started', item.at) });
    }
    entries.set(item.value, { at: item.at, node: inner });
  }
  return { kind: 'map', entries, at: node.at };
}

/** A single value as a list of one. */
export function asList(node: Node): Node {
  if (node.kind !== 'scalar') return node;
  return { kind: 'list', items: node.value === null ? [] : [node], at: node.at } satisfies ListNode;
}

function asContext(node: Node): Node {
  if (node.kind !== 'scalar') return node;
  return { kind: 'map', entries: new Map([['context', { at: node.at, node }]]), at: node.at };
}

function dedupe(node: Node, keyed: Keyed | undefined): Node {
  if (keyed === undefined || node.kind !== 'list' || node.items.length < 2) return node;
  const items: Node[] = [];
  const places = new Map<string, number>();
  for (const item of node.items) {
    const key = itemKey(item, keyed);
    const before = key === undefined ? undefined : places.get(key);
    if (before !== undefined) {
      items[before] = item;
      continue;
    }
    if (key !== undefined) places.set(key, items.length);
    items.push(item);
  }
  return items.length === node.items.length ? node : { ...node, items };
}

function itemKey(item: Node, keyed: Keyed): string | undefined {
  const text = item.kind === 'scalar' && item.value !== null ? scalarText(item.value) : undefined;
  switch (keyed) {
    case 'text':
      return text;
    case 'name':
      return text?.split(':')[0];
    case 'path':
      return text ?? field(item, 'path');
    case 'config':
      return text === undefined ? (field(item, 'target') ?? `/${field(item, 'source') ?? ''}`) : `/${text}`;
    case 'secret':
      return `/run/secrets/${text ?? field(item, 'target') ?? field(item, 'source') ?? ''}`.replace(
        '/run/secrets//',
        '/',
      );
    case 'device':
      return text === undefined ? field(item, 'target') : (text.split(':')[1] ?? text);
    case 'target':
      return text === undefined ? field(item, 'target') : splitMount(text).target;
    case 'port':
      return text === undefined ? longPortKey(item) : shortPortKey(text);
  }
}

function field(item: Node, key: string): string | undefined {
  const node = child(item, key) as ScalarNode | undefined;
  return node?.kind === 'scalar' && node.value !== null ? scalarText(node.value) : undefined;
}

function longPortKey(item: Node): string {
  const ip = field(item, 'host_ip') ?? '';
  return `${ip}:${field(item, 'published') ?? ''}:${field(item, 'target') ?? ''}/${field(item, 'protocol') ?? 'tcp'}`;
}

function shortPortKey(text: string): string {
  // Ranges are not unfolded here: as in Compose, they are the same only when they are written the same.
  if (text.includes('-')) return text;
  const ports = parsePortText(text);
  if (!Array.isArray(ports) || ports.length !== 1) return text;
  const { hostIp = '', published, target, protocol } = ports[0]!;
  const range =
    published === undefined
      ? ''
      : published.from === published.to
        ? `${published.from}`
        : `${published.from}-${published.to}`;
  return `${hostIp}:${range}:${target}/${protocol}`;
}
