/** The gateway's container: one per engine and installation. */
import { bareHost, type CreateContainer, type EngineFacts } from '../engine';
import { paths } from './config';

export const gatewayImage = 'haproxy:3.2-alpine';

/** Whose gateway it is. Not the install label of replicas: nobody may take it for one. */
export const gatewayLabel = 'io.pilothouse.gateway';
/** What the container was made from; another shape needs another container. */
export const shapeLabel = 'io.pilothouse.gateway.shape';

export function gatewayName(installId: string): string {
  return `pilothouse-gateway-${installId.slice(0, 8)}`;
}

/**
 * Memory is empty after every start, also after one that nobody watches. A worthless certificate then stands for each that the
 * configuration speaks of, so that HAProxy starts and plain ports work; encrypted ones are refused by clients until the keys are there.
 */
const start = [
  'umask 077',
  `mkdir -p ${paths.certificates}`,
  `chmod 700 ${paths.memory}`,
  `for one in $(cat ${paths.certificateList} 2>/dev/null); do cp ${paths.placeholder} "$one"; done`,
  `exec haproxy -W -db -f ${paths.config}`,
].join('; ');

/** A port that the engine publishes for the gateway, where it cannot share the machine's network. */
export interface PublishedPort {
  port: number;
  address?: string;
}

/**
 * True when the gateway can share the network of the machine that publishes the ports. It then needs no recreate for a new port, and
 * no proxy of the engine stands before it (it halves the rate). Not so inside a virtual machine and not with a rootless engine.
 */
export function sharesNetwork(facts: EngineFacts, place: { endpoint: string; local: boolean }): boolean {
  if (facts.rootless || /desktop|colima|lima|orbstack|rancher/i.test(`${facts.operatingSystem} ${facts.name}`))
    return false;
  return place.local || place.endpoint.startsWith('ssh://');
}

/** What makes one gateway container different from another. */
export function shapeOf(hostNetwork: boolean, ports: readonly PublishedPort[]): string {
  if (hostNetwork) return 'host-3';
  const list = ports.map(({ address, port }) => `${address ?? '*'}:${port}`).sort();
  return `bridge-3 ${list.join(' ')}`;
}

/** The request for the container. It has no capability but to bind low ports, and comes back by itself after a crash or a reboot. */
export function gatewayRequest(options: {
  installId: string;
  hostNetwork: boolean;
  ports: readonly PublishedPort[];
}): CreateContainer {
  const { installId, hostNetwork, ports } = options;
  return {
    name: gatewayName(installId),
    image: gatewayImage,
    labels: { [gatewayLabel]: installId, [shapeLabel]: shapeOf(hostNetwork, ports) },
    command: ['sh', '-c', start],
    environment: {},
    user: 'root',
    tty: false,
    stdinOpen: false,
    // HAProxy's image ends softly on SIGUSR1; a gateway that is replaced must let go of its ports at once.
    stopSignal: 'SIGTERM',
    stopTimeout: 2000,
    host: {
      ...bareHost(),
      capAdd: ['NET_BIND_SERVICE'],
      tmpfs: { [paths.memory]: 'mode=0700,size=16m,noexec,nosuid,nodev' },
      restartPolicy: { name: 'always', maxAttempts: 0 },
      ports: hostNetwork
        ? []
        : ports.map(({ port, address }) => ({
            target: port,
            published: port,
            protocol: 'tcp' as const,
            ...(address === undefined ? {} : { hostIp: address }),
          })),
      ...(hostNetwork ? { networkMode: 'host' } : {}),
      logging: { driver: 'json-file', options: { 'max-size': '1m', 'max-file': '2' } },
    },
    networks: [],
  };
}

/** Ports that HAProxy could not bind, from its own words. */
export function unboundPorts(log: string): number[] {
  const ports = new Set<number>();
  for (const match of log.matchAll(/cannot bind socket[^[\n]*\[[^\]\n]*?:(\d{1,5})\]/g)) ports.add(Number(match[1]));
  return [...ports];
}
