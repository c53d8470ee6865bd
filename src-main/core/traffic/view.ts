/** How one service's traffic is shown. Pure. */
import { certificateOf, endsTls, frontablePorts, wantsGateway } from '../../contract/fronting';
import type { TrafficReplica, TrafficView } from '../../contract/api/traffic';
import { sentence } from '../../contract/sentence';
import { drainOf, modeOf, portKey, usualTraffic, type ByHand, type Desired, type Known } from './desired';
import type { Figures } from './figures';
import type { GatewayStatus } from './gateway';
import { usualWeight } from './model';
import type { Seat } from './seats';
import { percentile } from './stats';

export interface TrafficInput {
  known: Known;
  status: GatewayStatus;
  desired: Desired;
  seats: ReadonlyMap<string, readonly Seat[]>;
  kept: ReadonlySet<string>;
  figures: Figures;
  hand: ByHand;
  /** Where encrypted routes are answered. */
  securePort: number;
  /** Why certificates could not be delivered, by name. */
  locked: ReadonlyMap<string, string>;
  /** The engine can run a gateway at all. */
  possible: boolean;
}

export function trafficView(input: TrafficInput): TrafficView {
  const { known, status, desired, figures } = input;
  const { row, spec, view } = known;
  const traffic = spec.pilothouse.traffic ?? usualTraffic;
  const fronted = input.possible && wantsGateway(spec, row);
  const backends = desired.backends.filter((backend) => backend.service === row.key);
  const replicas = replicasOf(
    input,
    backends.map((backend) => backend.name),
  );
  const total = (pick: (one: TrafficReplica) => number): number => replicas.reduce((sum, one) => sum + pick(one), 0);
  const requests = total((one) => one.requests);
  for (const one of replicas) one.share = requests > 0 ? one.requests / requests : 0;
  const seats = backends.flatMap(({ name }) => (input.seats.get(name) ?? []).map((one) => `${name}/${one.name}`));
  const times = figures.times(seats);
  const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)];
  const kept = backends.some((backend) => input.kept.has(backend.name));
  const ready = replicas.filter((one) => one.state === 'ready').length;
  const certificate = certificateOf(row.key, spec);
  const reason = certificate === undefined ? undefined : input.locked.get(certificate);
  const undelivered =
    certificate === undefined || reason === undefined
      ? undefined
      : sentence('traffic.certificateLocked', { certificate, reason });
  const ports = frontablePorts(spec).map((port): TrafficView['ports'][number] => {
    const secure = certificate !== undefined && endsTls(spec, port.published.from);
    const problem = desired.problems.get(portKey(row.key, port.published.from)) ?? (secure ? undelivered : undefined);
    const url = view?.ports.find((one) => one.published === port.published.from)?.url;
    return {
      published: port.published.from,
      target: port.target,
      mode: modeOf(spec, port.appProtocol),
      ...(url === undefined ? {} : { url }),
      ...(secure ? { certificate } : {}),
      ...(problem ? { problem } : {}),
    };
  });
  const routeProblem = desired.problems.get(portKey(row.key, 0));
  const { container, ...rest } = status;
  return {
    service: row.key,
    behind: fronted ? 'gateway' : ports.length > 0 ? 'direct' : 'none',
    words: !fronted
      ? sentence(ports.length > 0 ? 'traffic.direct' : 'traffic.noPorts')
      : kept
        ? sentence('traffic.kept')
        : ready === 0
          ? sentence(row.resting === true ? 'traffic.resting' : 'traffic.none')
          : sentence('traffic.ready', { count: ready }),
    gateway: { ...rest, ...(container ? { container } : {}) },
    ports,
    routes: desired.routes
      .filter((route) => route.service === row.key)
      .map((route) => {
        const { host, pathPrefix = '', target } = route;
        const problem = routeProblem ?? (route.certificate === undefined ? undefined : undelivered);
        const at = input.securePort === 443 ? host : `${host}:${input.securePort}`;
        const moved = desired.routePort !== 80;
        const shown = {
          url: `http://${host}${moved ? `:${desired.routePort}` : ''}${pathPrefix}`,
          target,
          ...(moved ? { note: sentence('traffic.routePort', { port: desired.routePort }) } : {}),
          ...(problem ? { problem } : {}),
        };
        if (route.certificate === undefined) return shown;
        return {
          ...shown,
          secureUrl: `https://${at}${pathPrefix}`,
          certificate: route.certificate,
          redirects: route.redirect === true,
        };
      }),
    mode: backends[0]?.mode ?? traffic.mode,
    algorithm: traffic.algorithm,
    sticky: traffic.sticky === true,
    drain: drainOf(spec),
    kept,
    replicas,
    requests,
    errors: total((one) => one.errors),
    sessions: total((one) => one.sessions),
    ...(p50 === undefined ? {} : { p50 }),
    ...(p95 === undefined ? {} : { p95 }),
  };
}

/** Every replica of the service; of several backends the figures are summed. */
function replicasOf(input: TrafficInput, backends: readonly string[]): TrafficReplica[] {
  const { known, seats, figures, hand } = input;
  return (known.view?.replicaList ?? []).map((replica) => {
    const shown: TrafficReplica = {
      replica: replica.id,
      slot: replica.slot,
      state: 'out',
      byHand: hand.drained.has(replica.id),
      weight: hand.weights.get(replica.id) ?? usualWeight,
      share: 0,
      sessions: 0,
      requests: 0,
      errors: 0,
    };
    const mine: string[] = [];
    for (const backend of backends) {
      for (const one of seats.get(backend) ?? []) {
        if (one.container === undefined || one.container !== replica.container?.id) continue;
        const key = `${backend}/${one.name}`;
        const now = figures.now.get(key);
        mine.push(key);
        shown.weight = hand.weights.get(replica.id) ?? one.weight;
        if (one.address !== undefined) shown.address = `${one.address}:${one.port ?? 0}`;
        shown.state =
          one.state === 'drain' ? 'draining' : one.state === 'maint' ? 'out' : now?.up === false ? 'down' : 'ready';
        shown.sessions += now?.sessions ?? 0;
        shown.requests += now?.requests ?? 0;
        shown.errors += now?.errors ?? 0;
      }
    }
    const times = figures.times(mine);
    const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)];
    return { ...shown, ...(p50 === undefined ? {} : { p50 }), ...(p95 === undefined ? {} : { p95 }) };
  });
}
