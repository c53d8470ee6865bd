/** Older ways in which services lean on each other, put in today's terms: `links` become aliases, `volumes_from` becomes mounts. */
import type { MountSpec, ServiceSpec } from '../../contract/spec';
import type { Cursor } from './cursor';

/** Adds what `links` and `volumes_from` of every service mean. Both also make the service start after the other one. */
export function applyLinks(specs: ReadonlyMap<string, ServiceSpec>, services: Cursor): void {
  for (const [name, spec] of specs) {
    const service = services.get(name);
    for (const link of service.get('links').items()) applyLink(spec, link, specs);
  }
  const before = new Map([...specs].map(([name, spec]) => [name, spec.mounts] as const));
  for (const [name, spec] of specs) {
    for (const from of services.get(name).get('volumes_from').items()) applyVolumesFrom(spec, from, { specs, before });
  }
}

function applyLink(spec: ServiceSpec, link: Cursor, specs: ReadonlyMap<string, ServiceSpec>): void {
  const [target = '', alias] = (link.text() ?? '').split(':');
  const other = specs.get(target);
  if (other === undefined) {
    link.report.problem('compose.unknownService', { service: target, field: 'links' }, link.spot);
    return;
  }
  dependOn(spec, target);
  if (alias === undefined || alias === '' || alias === target) return;
  const joined = new Set(spec.networks.map(({ network }) => network));
  for (const attachment of other.networks) {
    if (joined.has(attachment.network) && !attachment.aliases.includes(alias)) attachment.aliases.push(alias);
  }
  link.report.warning('compose.linkAlias', { alias, service: target }, link.spot, 'bad-input');
}

function applyVolumesFrom(
  spec: ServiceSpec,
  from: Cursor,
  { specs, before }: { specs: ReadonlyMap<string, ServiceSpec>; before: ReadonlyMap<string, MountSpec[]> },
): void {
  const [target = '', mode] = (from.text() ?? '').split(':');
  if (target === 'container') {
    from.report.problem(
      'compose.sharedNamespace',
      { field: 'volumes_from', value: from.text() ?? '' },
      from.spot,
      'unsupported',
    );
    return;
  }
  const mounts = before.get(target);
  if (mounts === undefined || !specs.has(target)) {
    from.report.problem('compose.unknownService', { service: target, field: 'volumes_from' }, from.spot);
    return;
  }
  dependOn(spec, target);
  const own = new Set(spec.mounts.map((mount) => mount.target));
  const added = mounts.filter((mount) => !own.has(mount.target) && mount.source !== undefined);
  spec.mounts = [...spec.mounts, ...added.map((mount) => ({ ...mount, readOnly: mount.readOnly || mode === 'ro' }))];
  if (mounts.some((mount) => mount.source === undefined)) {
    from.report.warning('compose.anonymousFrom', { service: target }, from.spot);
  }
}

function dependOn(spec: ServiceSpec, service: string): void {
  if (spec.dependsOn.some((dependency) => dependency.service === service)) return;
  spec.dependsOn.push({ service, condition: 'service_started', restart: true, required: true });
}
