/** The identity of a container: equal hashes need no replacement. */
import type { FileMount, FileSource, ServiceSpec } from '../../contract/spec';
import { configValues, pinKey } from '../../contract/configFiles';
import { sha256 } from './sha256';
import type { StackParts } from './types';

/**
 * Canonical JSON: object keys sorted by code unit, no white space, and every undefined, false, empty string, empty list or empty
 * object left out. Because of the last, a field that a later version of Pilothouse adds does not replace every container.
 * Numbers and true are kept as they are, null is left out; inside lists nothing is left out, since positions count.
 */
export function canonicalJson(value: unknown): string {
  return canonical(value, true) ?? 'null';
}

function canonical(value: unknown, keep: boolean): string | undefined {
  if (Array.isArray(value)) {
    if (value.length === 0 && !keep) return undefined;
    return `[${value.map((item) => canonical(item, true) ?? 'null').join(',')}]`;
  }
  if (value !== null && typeof value === 'object') {
    const record = value as Record<string, unknown>;
    const parts: string[] = [];
    for (const key of Object.keys(record).sort()) {
      const text = canonical(record[key], false);
      if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
    }
    return parts.length === 0 && !keep ? undefined : `{${parts.join(',')}}`;
  }
  if (!keep && (value === undefined || value === null || value === false || value === '')) return undefined;
  return JSON.stringify(value);
}

/**
 * Hash (32 hex digits of a SHA-256) of everything that makes a container of this service: image, process, environment, limits,
 * ports, mounts, the engine's names of its networks and volumes, the content of its configs and secrets, the values it
 * takes from the config center into its environment, its restart policy. Files of the config center are replaced in running containers.
 * Left out, because they change without a new container: replicas, placement, update and rollback settings, deploy labels,
 * dependencies, pull policy, build, profiles and all of `x-pilothouse` but `stateful`. Order of maps, networks, ports, mounts and
 * capability lists does not matter; order of command, dns and env of course does where the engine sees it.
 */
export function hashContainer(service: ServiceSpec, parts: StackParts): string {
  const { deploy, pilothouse, ...rest } = service;
  const container: Record<string, unknown> = { ...rest };
  for (const field of ['build', 'pullPolicy', 'dependsOn']) delete container[field];
  // What was built, not how.
  container['built'] = service.build?.id;
  container['limits'] = deploy.limits;
  container['reservations'] = deploy.reservations;
  container['restartPolicy'] = deploy.restartPolicy;
  container['stateful'] = pilothouse.stateful;
  // Which files there are; how the program hears of a renewed one changes without a new container.
  container['certificates'] = pilothouse.certificates?.map(({ signal: _signal, exec: _exec, ...files }) => files);
  container['networks'] = sorted(
    service.networks.map((network) => ({
      ...network,
      network: own(parts.networks, network.network)?.name ?? network.network,
      aliases: [...network.aliases].sort(),
    })),
  );
  container['mounts'] = sorted(
    service.mounts.map((mount) =>
      mount.type === 'volume' && mount.source !== undefined
        ? { ...mount, source: own(parts.volumes, mount.source)?.name ?? mount.source }
        : mount,
    ),
  );
  container['ports'] = sorted(service.ports);
  container['expose'] = [...service.expose].sort((left, right) => left - right);
  container['configs'] = sorted(service.configs.map((mount) => withContent(mount, parts.configs)));
  container['values'] = configValues(service).map((value) => own(parts.configs, pinKey(value))?.content);
  container['secrets'] = sorted(service.secrets.map((mount) => withContent(mount, parts.secrets)));
  for (const field of ['capAdd', 'capDrop', 'groupAdd', 'devices', 'tmpfs'] as const) {
    container[field] = [...service[field]].sort();
  }
  return sha256(canonicalJson({ stack: parts.name, container })).slice(0, 32);
}

/** Hash (32 hex digits) of any plain data in its canonical form; for plan tokens and comparisons, not for security. */
export function hashValue(value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, 32);
}

function withContent(mount: FileMount, sources: Record<string, FileSource>): Record<string, unknown> {
  const source = own(sources, mount.source);
  const content = source?.content === undefined ? undefined : sha256(source.content);
  return { ...mount, name: source?.name, external: source?.external, content, version: source?.version };
}

function sorted(items: readonly object[]): object[] {
  return items
    .map((item) => ({ item, key: canonicalJson(item) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    .map(({ item }) => item);
}

function own<Value>(record: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
