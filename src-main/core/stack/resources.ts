/** The project's own networks, volumes, configs and secrets: those that an active service uses. */
import type { FileSource, NetworkSpec, ServiceSpec, VolumeSpec } from '../../contract/spec';
import type { Cursor } from './cursor';
import { hostPath } from './serviceMounts';
import type { ReadText } from './serviceText';
import { isAbsolute } from './paths';

/** Keys of resources that something refers to. */
export interface Used {
  networks: Set<string>;
  volumes: Set<string>;
  configs: Set<string>;
  secrets: Set<string>;
}

/** What the services use. */
export function usedBy(services: readonly ServiceSpec[]): Used {
  const used: Used = { networks: new Set(), volumes: new Set(), configs: new Set(), secrets: new Set() };
  for (const service of services) {
    for (const { network } of service.networks) used.networks.add(network);
    for (const { type, source } of service.mounts)
      if (type === 'volume' && source !== undefined) used.volumes.add(source);
    for (const { source } of service.configs) used.configs.add(source);
    for (const { source } of service.secrets) used.secrets.add(source);
  }
  return used;
}

/** The networks in use; `default` exists without being declared. */
export function readNetworks(networks: Cursor, used: Set<string>, stack: string): Record<string, NetworkSpec> {
  const result: Record<string, NetworkSpec> = {};
  if (used.has('default') && !networks.get('default').present)
    result['default'] = readNetwork('default', networks.get('default'), stack);
  for (const [key, network] of networks.entries()) if (used.has(key)) result[key] = readNetwork(key, network, stack);
  return result;
}

function readNetwork(key: string, network: Cursor, stack: string): NetworkSpec {
  const { external, name } = naming(key, network, stack);
  const ipam = network.get('ipam');
  const driver = network.get('driver').text();
  const ipamDriver = ipam.get('driver').text();
  if (ipam.get('options').given)
    network.report.warning('compose.ignored', { field: 'ipam.options' }, ipam.keySpot('options'));
  if (network.get('enable_ipv4').boolean() === false) {
    network.report.warning('compose.ignored', { field: 'enable_ipv4' }, network.keySpot('enable_ipv4'));
  }
  const config = ipam
    .get('config')
    .items()
    .map((item) => {
      if (item.get('aux_addresses').given)
        item.report.warning('compose.ignored', { field: 'aux_addresses' }, item.keySpot('aux_addresses'));
      return {
        ...optional('subnet', item.get('subnet').text()),
        ...optional('gateway', item.get('gateway').text()),
        ...optional('ipRange', item.get('ip_range').text()),
      };
    });
  return {
    name,
    external,
    driverOpts: network.get('driver_opts').record(),
    internal: network.get('internal').boolean() ?? false,
    attachable: network.get('attachable').boolean() ?? false,
    enableIpv6: network.get('enable_ipv6').boolean() ?? false,
    labels: network.get('labels').record(),
    ...optional('driver', driver),
    ...(config.length > 0 || ipamDriver !== undefined ? { ipam: { config, ...optional('driver', ipamDriver) } } : {}),
  };
}

/** The volumes in use. */
export function readVolumes(volumes: Cursor, used: Set<string>, stack: string): Record<string, VolumeSpec> {
  const result: Record<string, VolumeSpec> = {};
  for (const [key, volume] of volumes.entries()) {
    if (!used.has(key)) continue;
    const { external, name } = naming(key, volume, stack);
    const driverOpts = volume.get('driver_opts').record();
    const device = driverOpts['device'];
    // A bind in disguise starts from the file's folder like any other.
    if (device !== undefined && driverOpts['o']?.split(',').includes('bind') && !isAbsolute(device)) {
      driverOpts['device'] = hostPath(volume.get('driver_opts').get('device'), device) ?? device;
    }
    result[key] = {
      name,
      external,
      driverOpts,
      labels: volume.get('labels').record(),
      ...optional('driver', volume.get('driver').text()),
    };
  }
  return result;
}

/** What reading configs and secrets needs. */
export interface FileContext {
  stack: string;
  used: Set<string>;
  readText: ReadText;
}

/** The configs or secrets in use, with their content where the project itself gives it. */
export function readFileSources(sources: Cursor, { stack, used, readText }: FileContext): Record<string, FileSource> {
  const result: Record<string, FileSource> = {};
  for (const [key, source] of sources.entries()) {
    if (!used.has(key)) continue;
    const { external, name } = naming(key, source, stack);
    for (const field of ['driver', 'driver_opts', 'template_driver']) {
      if (source.get(field).given) source.report.warning('compose.ignored', { field }, source.keySpot(field));
    }
    result[key] = {
      name,
      external,
      labels: source.get('labels').record(),
      ...(external ? {} : readContent(source, readText)),
    };
  }
  return result;
}

function readContent(source: Cursor, readText: ReadText): Pick<FileSource, 'content' | 'from' | 'kind'> {
  const given = ['content', 'file', 'environment'].filter((field) => source.get(field).given);
  const field = given[0];
  if (given.length !== 1 || field === undefined) {
    source.report.problem('compose.oneContent', { name: String(source.path.at(-1)) }, source.spot);
    return {};
  }
  const cursor = source.get(field);
  const text = cursor.text() ?? '';
  if (field === 'content') return { content: text, kind: 'inline' };
  if (field === 'environment') {
    const content = cursor.node?.at.source.lookup(text);
    if (content === undefined)
      source.report.problem('compose.variableForFile', { name: text }, cursor.spot, 'not-found');
    return { ...optional('content', content), from: text, kind: 'environment' };
  }
  const path = hostPath(cursor, text);
  if (path === undefined) return {};
  const content = readText(path);
  if (content === undefined) source.report.problem('compose.fileMissing', { file: text }, cursor.spot, 'not-found');
  return { ...optional('content', content), from: path, kind: 'file' };
}

/** The engine's name of a resource, in today's form (`external: true`, `name:`) and the old one (`external: {name: …}`). */
function naming(key: string, resource: Cursor, stack: string): { external: boolean; name: string } {
  const external = resource.get('external');
  const oldName = external.get('name').text();
  const isExternal = external.node?.kind === 'map' || (external.boolean() ?? false);
  const name = resource.get('name').text() ?? oldName ?? (isExternal ? key : `${stack}_${key}`);
  return { external: isExternal, name };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined || value === '' ? {} : ({ [key]: value } as { [K in Key]: Value });
}
