/**
 * Typed specs back to Compose YAML: one file with everything resolved, that parses to the same spec again. Content of secrets is never
 * written, only where it comes from. Dollar signs are doubled, so that nothing is interpolated a second time.
 */
import type {
  BuildSpec,
  FileSource,
  HostExtras,
  MountSpec,
  NetworkSpec,
  PortSpec,
  Resources,
  ServiceSpec,
  StackSpec,
  UpdateSpec,
  VolumeSpec,
} from '../../contract/spec';
import { joinReferences } from './configReferences';
import { renderPilothouse } from './renderPilothouse';
import { defaultUpdate } from './serviceDeploy';
import type { Plain } from './toYaml';
import { keepNulls, toYaml } from './toYaml';
import { durationText } from './units';

/** The whole project. */
export function renderStack(spec: StackSpec): string {
  return toYaml({
    name: spec.name,
    services: mapValues(spec.services, serviceSection),
    networks: mapValues(spec.networks, networkSection),
    volumes: mapValues(spec.volumes, volumeSection),
    configs: mapValues(spec.configs, (source) => fileSection(source, true)),
    secrets: mapValues(spec.secrets, (source) => fileSection(source, false)),
  });
}

/** One service's section, as it would stand below its name. */
export function renderService(service: ServiceSpec): string {
  return toYaml(serviceSection(service));
}

function buildSection(build: BuildSpec, platform: string | undefined): Plain {
  return {
    context: build.context,
    dockerfile: build.dockerfile,
    dockerfile_inline: build.inline,
    target: build.target,
    args: build.args,
    labels: build.labels,
    cache_from: build.cacheFrom,
    extra_hosts: build.extraHosts,
    tags: build.tags,
    network: build.network,
    shm_size: build.shmSize,
    platforms: build.platform === undefined || build.platform === platform ? undefined : [build.platform],
    no_cache: build.noCache,
    pull: build.pull,
  };
}

function serviceSection(service: ServiceSpec): Plain {
  return {
    image: service.image,
    pull_policy: service.build?.always ? 'build' : service.pullPolicy === 'missing' ? undefined : service.pullPolicy,
    build: service.build && buildSection(service.build, service.platform),
    command: service.command,
    entrypoint: service.entrypoint,
    environment: {
      ...service.environment,
      ...mapValues(service.configEnvironment ?? {}, joinReferences),
    },
    labels: service.labels,
    working_dir: service.workingDir,
    user: service.user,
    hostname: service.hostname,
    domainname: service.domainname,
    platform: service.platform,
    runtime: service.runtime,
    tty: service.tty || undefined,
    stdin_open: service.stdinOpen || undefined,
    read_only: service.readOnly || undefined,
    privileged: service.privileged || undefined,
    init: service.init,
    cap_add: service.capAdd,
    cap_drop: service.capDrop,
    security_opt: service.securityOpt,
    group_add: service.groupAdd,
    devices: service.devices,
    extra_hosts: service.extraHosts.map((entry) => entry.replace(':', '=')),
    dns: service.dns,
    dns_search: service.dnsSearch,
    dns_opt: service.dnsOpt,
    sysctls: service.sysctls,
    ulimits: mapValues(service.ulimits, ({ soft, hard }) => (soft === hard ? soft : { soft, hard })),
    tmpfs: service.tmpfs,
    shm_size: service.shmSize === undefined ? undefined : String(service.shmSize),
    ipc: service.ipc,
    pid: service.pid,
    uts: service.uts,
    cgroup_parent: service.cgroupParent,
    oom_score_adj: service.oomScoreAdj,
    network_mode: service.networkMode,
    networks: networksSection(service),
    logging: service.logging && { driver: service.logging.driver || undefined, options: service.logging.options },
    stop_signal: service.stopSignal,
    stop_grace_period: service.stopGracePeriod === 10_000 ? undefined : durationText(service.stopGracePeriod),
    ports: service.ports.map(portSection),
    expose: service.expose.map(String),
    volumes: service.mounts.map(mountSection),
    configs: service.configs,
    secrets: service.secrets,
    healthcheck: healthSection(service.healthcheck),
    depends_on: Object.fromEntries(
      service.dependsOn.map(({ service: name, condition, restart, required }) => [
        name,
        { condition, restart: restart || undefined, required: required ? undefined : false },
      ]),
    ),
    restart:
      service.restart &&
      `${service.restart.condition}${service.restart.maxAttempts === undefined ? '' : `:${service.restart.maxAttempts}`}`,
    deploy: deploySection(service),
    ...extrasSection(service.extras),
    'x-pilothouse': renderPilothouse(service.pilothouse),
  };
}

function networksSection(service: ServiceSpec): Plain | undefined {
  if (service.networkMode !== undefined) return undefined;
  const name = service.extras?.containerName;
  return keepNulls(
    Object.fromEntries(
      service.networks.map(({ network, aliases, ipv4Address, ipv6Address, priority }) => [
        network,
        {
          aliases: aliases.filter((alias) => alias !== name),
          ipv4_address: ipv4Address,
          ipv6_address: ipv6Address,
          priority: priority === 0 ? undefined : priority,
        },
      ]),
    ),
  );
}

function portSection({ target, protocol, published, hostIp, mode, name, appProtocol }: PortSpec): Plain {
  const range =
    published && (published.from === published.to ? `${published.from}` : `${published.from}-${published.to}`);
  return {
    target,
    published: range,
    protocol: protocol === 'tcp' ? undefined : protocol,
    host_ip: hostIp,
    mode: mode === 'ingress' ? undefined : mode,
    name,
    app_protocol: appProtocol,
  };
}

function mountSection(mount: MountSpec): Plain {
  return {
    type: mount.type,
    source: mount.source,
    target: mount.target,
    read_only: mount.readOnly || undefined,
    bind:
      mount.type === 'bind'
        ? { propagation: mount.propagation, create_host_path: mount.createHostPath === false ? false : undefined }
        : undefined,
    volume: mount.type === 'volume' ? { nocopy: mount.noCopy, subpath: mount.subpath } : undefined,
    tmpfs: mount.type === 'tmpfs' ? { size: mount.size, mode: mount.mode } : undefined,
  };
}

function healthSection(check: ServiceSpec['healthcheck']): Plain | undefined {
  if (check === undefined) return undefined;
  if (check.test[0] === 'NONE') return { disable: true };
  return {
    test: check.test,
    interval: duration(check.interval),
    timeout: duration(check.timeout),
    retries: check.retries,
    start_period: duration(check.startPeriod),
    start_interval: duration(check.startInterval),
  };
}

function deploySection({ deploy, extras }: ServiceSpec): Plain {
  const { restartPolicy, placement } = deploy;
  return {
    mode: deploy.mode === 'replicated' ? undefined : deploy.mode,
    replicas: deploy.mode.startsWith('global') ? undefined : deploy.replicas,
    endpoint_mode: deploy.endpointMode,
    labels: deploy.labels,
    resources: {
      limits: resourcesSection(deploy.limits),
      reservations: {
        ...resourcesSection(deploy.reservations),
        devices: extras?.deviceRequests?.map(({ driver, count, deviceIds, capabilities, options }) => ({
          driver,
          count: count === -1 ? 'all' : count,
          device_ids: deviceIds,
          capabilities,
          options,
        })),
      },
    },
    restart_policy: restartPolicy && {
      condition: restartPolicy.condition,
      delay: durationText(restartPolicy.delay),
      max_attempts: restartPolicy.maxAttempts,
      window: durationText(restartPolicy.window),
    },
    placement: {
      constraints: placement.constraints,
      preferences: placement.preferences,
      max_replicas_per_node: placement.maxReplicasPerNode,
    },
    update_config: updateSection(deploy.update),
    rollback_config: updateSection(deploy.rollback),
  };
}

function resourcesSection({ cpus, memory, pids }: Resources): Plain {
  return {
    cpus: cpus === undefined ? undefined : String(cpus),
    memory: memory === undefined ? undefined : String(memory),
    pids,
  };
}

function updateSection(update: UpdateSpec): Plain {
  const changed = <Value>(value: Value, usual: Value): Value | undefined => (value === usual ? undefined : value);
  return {
    parallelism: changed(update.parallelism, defaultUpdate.parallelism),
    delay: duration(changed(update.delay, defaultUpdate.delay)),
    failure_action: changed(update.failureAction, defaultUpdate.failureAction),
    monitor: duration(changed(update.monitor, defaultUpdate.monitor)),
    max_failure_ratio: changed(update.maxFailureRatio, defaultUpdate.maxFailureRatio),
    order: changed(update.order, defaultUpdate.order),
  };
}

function extrasSection(extras: HostExtras | undefined): Plain {
  if (extras === undefined) return {};
  const { blkio } = extras;
  return {
    container_name: extras.containerName,
    mac_address: extras.macAddress,
    cpu_shares: extras.cpuShares,
    cpu_quota: extras.cpuQuota,
    cpu_period: extras.cpuPeriod,
    cpuset: extras.cpuset,
    memswap_limit: extras.memorySwap === undefined ? undefined : String(extras.memorySwap),
    mem_swappiness: extras.memorySwappiness,
    oom_kill_disable: extras.oomKillDisable,
    userns_mode: extras.usernsMode,
    cgroup: extras.cgroup,
    device_cgroup_rules: extras.deviceCgroupRules,
    storage_opt: extras.storageOpt,
    annotations: extras.annotations,
    blkio_config: blkio && {
      weight: blkio.weight,
      weight_device: blkio.weightDevice,
      device_read_bps: blkio.deviceReadBps,
      device_read_iops: blkio.deviceReadIops,
      device_write_bps: blkio.deviceWriteBps,
      device_write_iops: blkio.deviceWriteIops,
    },
  };
}

function networkSection(network: NetworkSpec): Plain {
  return {
    name: network.name,
    external: network.external || undefined,
    driver: network.driver,
    driver_opts: network.driverOpts,
    internal: network.internal || undefined,
    attachable: network.attachable || undefined,
    enable_ipv6: network.enableIpv6 || undefined,
    ipam: network.ipam && {
      driver: network.ipam.driver,
      config: network.ipam.config.map(({ subnet, gateway, ipRange }) => ({ subnet, gateway, ip_range: ipRange })),
    },
    labels: network.labels,
  };
}

function volumeSection(volume: VolumeSpec): Plain {
  return {
    name: volume.name,
    external: volume.external || undefined,
    driver: volume.driver,
    driver_opts: volume.driverOpts,
    labels: volume.labels,
  };
}

function fileSection(source: FileSource, open: boolean): Plain {
  const content = open && source.content !== undefined ? { content: source.content } : {};
  const from =
    open && source.content !== undefined
      ? {}
      : source.kind === 'file'
        ? { file: source.from }
        : { environment: source.from };
  return { name: source.name, external: source.external || undefined, labels: source.labels, ...content, ...from };
}

function duration(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : durationText(milliseconds);
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
