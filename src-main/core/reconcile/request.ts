/** From a typed service to the one request that makes a container of it. Pure; every default is decided here or before. */
import { utf8 } from '../../base/utf8';
import { environmentOf } from '../../contract/configFiles';
import { frontablePorts, isFrontable } from '../../contract/fronting';
import type { ServiceSpec } from '../../contract/spec';
import type { CreateContainer, EngineCapabilities } from '../engine';
import type { AttemptRow, RevisionRow } from '../store';
import type { StackParts } from '../stack';
import { containerLabels, splitKey } from './names';
import { imageOf } from './builds';
import { enginePolicy, restartRule } from './restart';

/** What a container is made from. */
export interface RequestInput {
  attempt: AttemptRow;
  spec: ServiceSpec;
  parts: StackParts;
  job: boolean;
  installId: string;
  capabilities: Pick<EngineCapabilities, 'restartPolicy'>;
  /** The memory-backed volume that holds its secrets, when it has any. */
  secrets?: { volume: string; target: string; readOnly: boolean };
}

/**
 * The host ports that this slot's container binds itself. Of a published range each slot takes one; a single port goes to slot 1,
 * unless the service is `fronted`: then the gateway publishes it for all of them.
 */
export function hostPorts(
  spec: ServiceSpec,
  slot: number,
  fronted = false,
  remote = false,
): CreateContainer['host']['ports'] {
  const ports: CreateContainer['host']['ports'] = fronted && remote ? gatewayPorts(spec) : [];
  for (const port of spec.ports) {
    if (fronted && isFrontable(spec, port)) continue;
    const base = {
      target: port.target,
      protocol: port.protocol,
      ...(port.hostIp === undefined ? {} : { hostIp: port.hostIp }),
    };
    if (!port.published) {
      ports.push(base);
      continue;
    }
    const published = port.published.from + slot - 1;
    if (published <= port.published.to) ports.push({ ...base, published });
  }
  return ports;
}

/** What a gateway on another node reaches it by: any free port there, for each port it leads to. */
function gatewayPorts(spec: ServiceSpec): CreateContainer['host']['ports'] {
  const route = spec.pilothouse.traffic?.route?.port;
  const targets = new Set(frontablePorts(spec).map(({ target }) => target));
  if (route !== undefined && !spec.ports.some((port) => port.target === route && !isFrontable(spec, port)))
    targets.add(route);
  return [...targets].map((target) => ({ target, protocol: 'tcp' as const }));
}

/** True when two containers of this slot could not run side by side. */
export function bindsHostPort(spec: ServiceSpec, slot: number, fronted = false): boolean {
  if (spec.networkMode === 'host') return spec.ports.length > 0;
  return hostPorts(spec, slot, fronted).some((port) => port.published !== undefined);
}

/**
 * The networks a container of this service joins, first the one with the highest priority. Every replica answers to the service's
 * name, to `tasks.<service>` and to the file's own aliases.
 */
export function toAttachments(spec: ServiceSpec, parts: StackParts, service: string): CreateContainer['networks'] {
  if (spec.networkMode !== undefined) return [];
  const { name } = splitKey(service);
  const alias = spec.extras?.containerName;
  const common = [name, `tasks.${name}`, ...(alias === undefined ? [] : [alias])];
  return [...spec.networks]
    .sort((left, right) => right.priority - left.priority)
    .map((attachment) => ({
      name: parts.networks[attachment.network]?.name ?? attachment.network,
      aliases: [...new Set([...common, ...attachment.aliases])],
      ...(attachment.ipv4Address === undefined ? {} : { ipv4Address: attachment.ipv4Address }),
      ...(attachment.ipv6Address === undefined ? {} : { ipv6Address: attachment.ipv6Address }),
    }));
}

/** The volume name of a mount: one per slot for stateful services. */
export function volumeName(name: string, spec: ServiceSpec, slot: number): string {
  return spec.pilothouse.stateful === true ? `${name}-${slot}` : name;
}

/** The request for one attempt's container. */
export function toCreateContainer(input: RequestInput): CreateContainer {
  const { attempt, spec, parts } = input;
  const extras = { ...spec.extras };
  delete extras.containerName;
  return {
    name: attempt.name,
    image: imageOf(spec),
    labels: { ...spec.labels, ...containerLabels(attempt, input.installId) },
    ...optional('command', spec.command),
    ...optional('entrypoint', spec.entrypoint),
    environment: environmentOf(spec, parts.configs),
    ...optional('workingDir', spec.workingDir),
    ...optional('user', spec.user),
    ...optional('hostname', spec.hostname),
    ...optional('domainname', spec.domainname),
    ...optional('platform', spec.platform),
    tty: spec.tty,
    stdinOpen: spec.stdinOpen,
    ...optional('stopSignal', spec.stopSignal),
    stopTimeout: spec.stopGracePeriod,
    ...optional('healthcheck', spec.healthcheck),
    host: {
      readOnly: spec.readOnly,
      privileged: spec.privileged,
      ...optional('init', spec.init),
      capAdd: spec.capAdd,
      capDrop: spec.capDrop,
      securityOpt: spec.securityOpt,
      groupAdd: spec.groupAdd,
      devices: spec.devices,
      extraHosts: spec.extraHosts,
      dns: spec.dns,
      dnsSearch: spec.dnsSearch,
      dnsOpt: spec.dnsOpt,
      sysctls: spec.sysctls,
      ulimits: spec.ulimits,
      tmpfs: Object.fromEntries(
        spec.tmpfs.map((text) => {
          const colon = text.indexOf(':');
          return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
        }),
      ),
      ...optional('shmSize', spec.shmSize),
      ...optional('ipc', spec.ipc),
      ...optional('pid', spec.pid),
      ...optional('uts', spec.uts),
      ...optional('runtime', spec.runtime),
      ...optional('cgroupParent', spec.cgroupParent),
      ...optional('oomScoreAdj', spec.oomScoreAdj),
      ...optional('logging', spec.logging),
      limits: spec.deploy.limits,
      reservations: spec.deploy.reservations,
      restartPolicy: enginePolicy(restartRule(spec, input.job, input.capabilities)),
      ports: hostPorts(spec, attempt.slot, attempt.fronted, attempt.remote),
      mounts: [...spec.mounts.map((mount) => mountOf(mount, input)), ...secretMount(input)],
      ...optional('networkMode', spec.networkMode),
      ...(Object.keys(extras).length > 0 ? { extras } : {}),
    },
    networks: toAttachments(spec, parts, attempt.service).map((one) => (attempt.spare ? { ...one, aliases: [] } : one)),
  };
}

type Mount = CreateContainer['host']['mounts'][number];

function mountOf(mount: ServiceSpec['mounts'][number], { attempt, spec, parts }: RequestInput): Mount {
  const named = mount.type === 'volume' && mount.source !== undefined;
  const volume = named ? parts.volumes[mount.source ?? ''] : undefined;
  const source = volume && !volume.external ? volumeName(volume.name, spec, attempt.slot) : volume?.name;
  return {
    type: mount.type,
    ...optional('source', source ?? mount.source),
    target: mount.target,
    readOnly: mount.readOnly,
    ...optional('propagation', mount.propagation),
    ...optional('createHostPath', mount.createHostPath),
    ...optional('noCopy', mount.noCopy),
    ...optional('size', mount.size),
    ...optional('mode', mount.mode),
  };
}

/** What the image has in that folder is not copied: the volume holds secrets and nothing else. */
function secretMount({ secrets }: RequestInput): Mount[] {
  if (!secrets) return [];
  return [{ type: 'volume', source: secrets.volume, target: secrets.target, readOnly: secrets.readOnly, noCopy: true }];
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}

/** A file that must be inside the container before it starts. */
export interface DeliveredFile {
  path: string;
  content: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
}

/** The service's own configs as files; external ones are items of the config center, see `configs.ts`. */
export function configFiles(spec: ServiceSpec, parts: StackParts): DeliveredFile[] {
  const own = spec.configs.filter((mount) => !parts.configs[mount.source]?.external);
  return own.map((mount) => ({
    path: mount.target.startsWith('/') ? mount.target : `/${mount.target}`,
    content: utf8(parts.configs[mount.source]?.content ?? ''),
    mode: mount.mode ?? 0o444,
    uid: numericOwner(mount.uid),
    gid: numericOwner(mount.gid),
  }));
}

/** A user or group by number; names mean nothing outside the container, so they are root's. */
export function numericOwner(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}

/** The key under which the state of an image is kept: with `always` each revision asks anew, and each of several nodes has its own. */
export function imageKey(revision: RevisionRow, node?: string): string {
  const { pullPolicy } = revision.spec;
  const image = imageOf(revision.spec);
  const key = pullPolicy === 'always' ? `${image} for ${revision.service}@${revision.revision}` : image;
  return node === undefined ? key : `${key} on ${node}`;
}
