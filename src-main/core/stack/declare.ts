/**
 * Running containers as a project: what a service would have to say to make such a container again. Pure. Networks and volumes are
 * declared as external, because somebody else made them and nothing may remove them with the stack.
 */
import type { Dependency, MountSpec, PortSpec, ServiceSpec, StackSpec } from '../../contract/spec';
import type { CreateContainer } from '../engine';
import { defaultUpdate } from './serviceDeploy';

/** One service to declare: a recipe, and the published ports of each of its containers, in the order of their slots. */
export interface Declared {
  recipe: CreateContainer;
  replicas: CreateContainer['host']['ports'][];
  dependsOn: Dependency[];
}

/** The project that those services make. */
export function declareStack(name: string, services: ReadonlyMap<string, Declared>): StackSpec {
  const stack: StackSpec = { name, services: {}, networks: {}, volumes: {}, configs: {}, secrets: {} };
  for (const [service, declared] of services) {
    const { recipe } = declared;
    for (const network of recipe.networks) {
      stack.networks[network.name] = {
        name: network.name,
        external: true,
        driverOpts: {},
        internal: false,
        attachable: false,
        enableIpv6: false,
        labels: {},
      };
    }
    for (const { type, source } of recipe.host.mounts) {
      if (type !== 'volume' || source === undefined) continue;
      stack.volumes[source] = { name: source, external: true, driverOpts: {}, labels: {} };
    }
    stack.services[service] = declareService(service, declared);
  }
  return stack;
}

/**
 * The ports of all replicas as one list: each target's published ports as one range, slot after slot. Undefined when they do not
 * follow each other, since then no declaration would give them back.
 */
export function joinPorts(replicas: readonly CreateContainer['host']['ports'][]): PortSpec[] | undefined {
  const [first = []] = replicas;
  const ports: PortSpec[] = [];
  for (const [index, port] of first.entries()) {
    const published = replicas.map((list) => list[index]);
    const { target, protocol, hostIp } = port;
    if (published.some((one) => one?.target !== target || one.protocol !== protocol || one.hostIp !== hostIp))
      return undefined;
    const from = port.published;
    if (published.some((one, slot) => one?.published !== (from === undefined ? undefined : from + slot)))
      return undefined;
    ports.push({
      target,
      protocol,
      ...(hostIp === undefined ? {} : { hostIp }),
      ...(from === undefined ? {} : { published: { from, to: from + replicas.length - 1 } }),
      mode: 'ingress',
    });
  }
  return replicas.every((list) => list.length === first.length) ? ports : undefined;
}

function declareService(name: string, { recipe, replicas, dependsOn }: Declared): ServiceSpec {
  const { host } = recipe;
  const { restartPolicy } = host;
  const optional = <Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } =>
    value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
  return {
    image: recipe.image,
    pullPolicy: 'missing',
    ...optional('command', recipe.command),
    ...optional('entrypoint', recipe.entrypoint),
    environment: recipe.environment,
    // Another tool's own labels would make it take the next container for one of its own.
    labels: Object.fromEntries(Object.entries(recipe.labels).filter(([key]) => !key.startsWith('com.docker.'))),
    ...optional('workingDir', recipe.workingDir),
    ...optional('user', recipe.user),
    ...optional('hostname', recipe.hostname),
    ...optional('domainname', recipe.domainname),
    ...optional('platform', recipe.platform),
    ...optional('runtime', host.runtime),
    tty: recipe.tty,
    stdinOpen: recipe.stdinOpen,
    readOnly: host.readOnly,
    privileged: host.privileged,
    ...optional('init', host.init),
    capAdd: host.capAdd,
    capDrop: host.capDrop,
    securityOpt: host.securityOpt,
    groupAdd: host.groupAdd,
    devices: host.devices,
    extraHosts: host.extraHosts,
    dns: host.dns,
    dnsSearch: host.dnsSearch,
    dnsOpt: host.dnsOpt,
    sysctls: host.sysctls,
    ulimits: host.ulimits,
    tmpfs: Object.entries(host.tmpfs).map(([path, options]) => (options === '' ? path : `${path}:${options}`)),
    ...optional('shmSize', host.shmSize),
    ...optional('ipc', host.ipc),
    ...optional('pid', host.pid),
    ...optional('uts', host.uts),
    ...optional('cgroupParent', host.cgroupParent),
    ...optional('oomScoreAdj', host.oomScoreAdj),
    ...optional('networkMode', host.networkMode),
    ...optional('logging', host.logging),
    ...optional('stopSignal', recipe.stopSignal),
    stopGracePeriod: recipe.stopTimeout,
    ports: joinPorts(replicas) ?? [],
    expose: [],
    networks: recipe.networks.map(({ name: network, aliases, ipv4Address, ipv6Address }) => ({
      network,
      // Docker resolves a container's own name; its successors have another and keep this one as an alias.
      aliases: [...new Set([...aliases, ...(replicas.length === 1 ? [recipe.name] : [])])].filter(
        (one) => one !== name,
      ),
      ...optional('ipv4Address', ipv4Address),
      ...optional('ipv6Address', ipv6Address),
      priority: 0,
    })),
    mounts: host.mounts.map(toMount),
    configs: [],
    secrets: [],
    ...optional('healthcheck', recipe.healthcheck),
    dependsOn,
    // Docker's `no` is what nobody chose: a declared service is meant to run, so it is left open.
    ...(restartPolicy.name === 'no'
      ? {}
      : {
          restart: {
            condition: restartPolicy.name,
            ...(restartPolicy.maxAttempts > 0 ? { maxAttempts: restartPolicy.maxAttempts } : {}),
          },
        }),
    deploy: {
      mode: 'replicated',
      replicas: replicas.length,
      labels: {},
      limits: host.limits,
      reservations: host.reservations,
      placement: { constraints: [], preferences: [] },
      update: defaultUpdate,
      rollback: defaultUpdate,
    },
    ...optional('extras', host.extras),
    pilothouse: {},
  };
}

function toMount({ labels: _, ...mount }: CreateContainer['host']['mounts'][number]): MountSpec {
  return mount;
}
