/** From rows of the store to what the gateway is to do. Pure. */
import { certificateOf, endsTls, frontablePorts, routeHost, wantsGateway } from '../../contract/fronting';
import type { ReplicaView, ServiceView } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import type { ServiceSpec, TrafficSpec } from '../../contract/spec';
import type { RolloutRow, ServiceRow } from '../store';
import { isSafe } from './config';
import { usualWeight, type Backend, type Frontend, type Route } from './model';
import type { Endpoint, Seat } from './seats';
import { sharesOf } from './shares';

/** A service with what is known of it. */
export interface Known {
  row: ServiceRow;
  spec: ServiceSpec;
  view?: ServiceView;
  rollout?: RolloutRow;
  /** Its requests wait so long while it has no replica, milliseconds. */
  hold?: number;
}

/** What the user set by hand, by replica. */
export interface ByHand {
  drained: ReadonlySet<string>;
  weights: ReadonlyMap<string, number>;
}

export interface FrontedBackend extends Omit<Backend, 'servers'> {
  service: string;
  target: number;
  wanted: number;
  drain: number;
}

export interface Desired {
  frontends: (Frontend & { service: string; target: number })[];
  routes: (Route & { service: string; target: number })[];
  backends: FrontedBackend[];
  /** Where routes are answered. */
  routePort: number;
  /** Why a port is not published, by `<service> <port>`. */
  problems: Map<string, Sentence>;
}

export const usualTraffic: TrafficSpec = { mode: 'tcp', algorithm: 'roundrobin' };
/** How long replicas drain when the file does not say, milliseconds. */
const usualDrain = 10_000;
const usualCheck = { interval: 2000, rise: 2, fall: 3 };

/** The key under which a port's problem is kept. */
export function portKey(service: string, port: number): string {
  return `${service} ${port}`;
}

/** The drain time of a service, milliseconds. */
export function drainOf(spec: ServiceSpec): number {
  return spec.pilothouse.traffic?.drain ?? usualDrain;
}

/** The mode of a port: what `x-pilothouse.traffic` says, else what the port itself says it speaks. */
export function modeOf(spec: ServiceSpec, appProtocol?: string): 'tcp' | 'http' {
  return spec.pilothouse.traffic?.mode ?? (appProtocol === 'http' ? 'http' : 'tcp');
}

/** Ports for host routes, best first: the one that addresses need not name, then some that nobody needs a right for. */
export const routePorts: readonly number[] = [80, ...Array.from({ length: 20 }, (_, at) => 8080 + at)];

/** Ports that could not be had. */
export interface TakenPorts {
  /** Of services: a port that was taken is tried again. */
  ports: ReadonlySet<number>;
  /** For routes: an address that people know does not move back. */
  routes: ReadonlySet<number>;
}

/**
 * What the services want of the gateway. Ports that are taken are left out and said to be so, and so is what should be encrypted while
 * its certificate is not in `certificates`: better closed than in the clear.
 */
export function desiredOf(
  services: readonly Known[],
  { ports: taken, routes: avoided }: TakenPorts,
  certificates: ReadonlySet<string> = new Set(),
): Desired {
  const desired: Desired = { frontends: [], routes: [], backends: [], routePort: 80, problems: new Map() };
  const ports = new Map<string, string>();
  const bound = boundPorts(services);
  for (const { row, spec, hold } of [...services].sort(
    (one, other) => one.row.createdAt - other.row.createdAt || compare(one.row.key, other.row.key),
  )) {
    if (!wantsGateway(spec, row)) continue;
    const { traffic } = spec.pilothouse;
    const certificate = certificateOf(row.key, spec);
    const uncertified =
      certificate === undefined || certificates.has(certificate)
        ? undefined
        : sentence(certificate === row.key ? 'traffic.certificateWaits' : 'traffic.certificateMissing', {
            certificate,
          });
    for (const port of frontablePorts(spec)) {
      const { from } = port.published;
      const place = `${port.hostIp ?? ''} ${from}`;
      const owner = ports.get(place);
      const key = portKey(row.key, from);
      if (owner !== undefined)
        desired.problems.set(key, sentence('traffic.portClaimed', { port: from, service: owner }));
      else if (bound.has(from)) desired.problems.set(key, sentence('traffic.portMoving', { port: from }));
      else if (taken.has(from)) desired.problems.set(key, sentence('traffic.portTaken', { port: from }));
      else if (uncertified && endsTls(spec, from)) desired.problems.set(key, uncertified);
      if (owner === undefined) ports.set(place, row.key);
      if (desired.problems.has(key)) continue;
      const mode = modeOf(spec, port.appProtocol);
      const backend = addBackend(desired, row, spec, { target: port.target, mode, hold });
      const address =
        port.hostIp === undefined || ['0.0.0.0', '::', ''].includes(port.hostIp) ? undefined : port.hostIp;
      if (address !== undefined && !isSafe('address', address)) {
        desired.problems.set(key, sentence('traffic.unsafe', { value: address.slice(0, 80) }));
        continue;
      }
      desired.frontends.push({
        name: `port:${from}${address === undefined ? '' : `:${address.replaceAll(':', '.')}`}`,
        port: from,
        mode,
        backend,
        service: row.key,
        target: port.target,
        ...(address === undefined ? {} : { address }),
        ...(certificate !== undefined && endsTls(spec, from) ? { certificate } : {}),
      });
    }
    if (!traffic?.route) continue;
    const { port: target, pathPrefix } = traffic.route;
    const host = routeHost(row.key, traffic.route);
    const unsafe = !isSafe('host', host)
      ? host
      : pathPrefix !== undefined && !isSafe('path', pathPrefix)
        ? pathPrefix
        : undefined;
    if (unsafe !== undefined) {
      desired.problems.set(portKey(row.key, 0), sentence('traffic.unsafe', { value: unsafe.slice(0, 80) }));
      continue;
    }
    if (uncertified) desired.problems.set(portKey(row.key, 0), uncertified);
    // Without its certificate a route that would redirect has nowhere to go; one that would not is answered in the clear as before.
    if (uncertified && traffic.tls?.redirect) continue;
    const backend = addBackend(desired, row, spec, { target, mode: 'http', hold });
    desired.routes.push({
      host,
      backend,
      service: row.key,
      target,
      ...(pathPrefix === undefined ? {} : { pathPrefix }),
      ...(certificate === undefined || uncertified ? {} : { certificate, redirect: traffic.tls?.redirect === true }),
    });
  }
  const used = new Set(desired.frontends.map(({ port }) => port));
  const free = routePorts.find((port) => !used.has(port) && !bound.has(port) && !avoided.has(port));
  desired.routePort = free ?? 80;
  return desired;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function addBackend(
  desired: Desired,
  row: ServiceRow,
  spec: ServiceSpec,
  leads: { target: number; mode: 'tcp' | 'http'; hold: number | undefined },
): string {
  const traffic = spec.pilothouse.traffic ?? usualTraffic;
  const { target, mode, hold } = leads;
  const name = `${row.key.replace('/', ':')}:${target}${mode === 'http' ? '' : ':tcp'}`;
  if (desired.backends.some((one) => one.name === name)) return name;
  const { hashOn, check } = traffic;
  const path = check?.path !== undefined && isSafe('path', check.path) ? check.path : undefined;
  const { interval, rise, fall } = check ?? usualCheck;
  desired.backends.push({
    name,
    service: row.key,
    target,
    mode,
    algorithm: traffic.algorithm,
    sticky: traffic.sticky === true,
    wanted: row.replicas,
    drain: drainOf(spec),
    check: { interval: Math.max(100, Math.round(interval)), rise, fall, ...(path === undefined ? {} : { path }) },
    ...(hashOn !== undefined && isSafe('header', hashOn) ? { hashOn } : {}),
    ...(hold === undefined ? {} : { hold }),
    ...(traffic.slowStart === undefined ? {} : { slowStart: Math.round(traffic.slowStart) }),
  });
  return name;
}

/** Ports of the machine that a replica still binds itself; the gateway waits until the last of them is gone. */
function boundPorts(services: readonly Known[]): Set<number> {
  const bound = new Set<number>();
  for (const { view } of services) {
    for (const replica of view?.replicaList ?? [])
      if (replica.machine === undefined) for (const port of replica.ports) bound.add(port.published);
  }
  return bound;
}

/** The endpoints of one backend: every ready replica; when none is, those of the last set that still live, marked `kept`. */
export function endpointsOf(
  view: ServiceView | undefined,
  options: {
    target: number;
    seats: readonly Seat[];
    leaving: ReadonlySet<string>;
    hand: ByHand;
    rollout?: RolloutRow;
    networks?: ReadonlySet<string>;
    /** The node the gateway stands on. */
    home?: string;
  },
): { endpoints: Endpoint[]; kept: boolean } {
  const { target, seats, leaving, hand, networks, rollout, home } = options;
  const placeOf = (replica: ReplicaView): { address: string | undefined; port: number } => {
    const away = home !== undefined && replica.node !== home;
    return away ? publishedAt(replica, target) : { address: addressOf(replica, networks), port: target };
  };
  // Whoever is going, or is not to be reached, has no part in the shares.
  const list = (view?.replicaList ?? []).filter(
    (replica) => replica.container && !leaving.has(replica.container.id) && placeOf(replica).address !== undefined,
  );
  const shares = sharesOf(list, rollout);
  const toEndpoint = (replica: ReplicaView): Endpoint[] => {
    const { address, port } = placeOf(replica);
    if (!replica.container || address === undefined) return [];
    return [
      {
        replica: replica.id,
        container: replica.container.id,
        address,
        port,
        weight: hand.weights.get(replica.id) ?? shares?.get(replica.id) ?? usualWeight,
        drained: hand.drained.has(replica.id),
      },
    ];
  };
  const ready = list.filter((replica) => replica.state === 'ready').flatMap(toEndpoint);
  if (ready.length > 0) return { endpoints: ready, kept: false };
  const before = new Set(
    seats.flatMap((one) => (one.state === 'ready' && one.container !== undefined ? [one.container] : [])),
  );
  const kept = list.filter((replica) => ['unhealthy', 'starting'].includes(replica.state)).flatMap(toEndpoint);
  const last = kept.filter((endpoint) => before.has(endpoint.container));
  return { endpoints: last, kept: last.length > 0 };
}

/** Where a replica on another node is reached: at the port that its container publishes there. */
function publishedAt({ machine, ports }: ReplicaView, target: number): { address: string | undefined; port: number } {
  const published = ports.find((one) => one.target === target && one.protocol === 'tcp')?.published;
  const safe = machine !== undefined && published !== undefined && isSafe('address', machine);
  return { address: safe ? machine : undefined, port: published ?? target };
}

/** The address of a replica on one of `networks`, or on any when the gateway shares the machine's network. */
export function addressOf(replica: ReplicaView, networks?: ReadonlySet<string>): string | undefined {
  for (const [network, address] of Object.entries(replica.addresses).sort(([one], [other]) => compare(one, other))) {
    if (isSafe('address', address) && (networks === undefined || networks.has(network))) return address;
  }
  return undefined;
}
