/** Which ports the gateway publishes instead of the replicas. Pure: reconcile, traffic and the screens must agree on it. */
import type { PortSpec, ServiceSpec, TrafficSpec } from './spec';

/** What is known of a service besides its spec. */
export interface Wanted {
  replicas: number;
  /** It has once been behind the gateway: it stays there, so that its port does not move to and fro. */
  fronted?: boolean;
}

/** The ports of a spec that a gateway can publish: TCP, in ingress mode, with one fixed port of the host. */
export function frontablePorts(spec: ServiceSpec): (PortSpec & { published: { from: number; to: number } })[] {
  if (spec.networkMode !== undefined) return [];
  return spec.ports.filter(
    (port): port is PortSpec & { published: { from: number; to: number } } =>
      port.mode === 'ingress' &&
      port.protocol === 'tcp' &&
      port.published?.from === port.published?.to &&
      port.published !== undefined,
  );
}

/** True when this port is published by the gateway, given that its service is behind it. */
export function isFrontable(spec: ServiceSpec, port: PortSpec): boolean {
  return frontablePorts(spec).some((one) => one === port);
}

/**
 * True when the service belongs behind a gateway: it has or had more than one replica, can grow by itself, or asks for it in
 * `x-pilothouse.traffic`. A plain service of one replica binds its port itself, so that a fresh machine needs no other image.
 */
export function wantsGateway(spec: ServiceSpec, wanted: Wanted): boolean {
  const { traffic, autoscale } = spec.pilothouse;
  if (traffic?.route && spec.networkMode === undefined) return true;
  if (frontablePorts(spec).length === 0) return false;
  return wanted.fronted === true || wanted.replicas > 1 || traffic !== undefined || autoscale !== undefined;
}

/** The host that the route of a service (`<stack>/<service>`) answers to. */
export function routeHost(key: string, route: NonNullable<TrafficSpec['route']>): string {
  return (route.host ?? usualHost(key)).toLowerCase().replaceAll('_', '-');
}

/** `<service>.<stack>.localhost`, which leads to this machine without any name server (RFC 6761). */
export function usualHost(key: string): string {
  const [stack = '', name = ''] = key.split('/');
  return `${name}.${stack}.localhost`.toLowerCase().replaceAll('_', '-');
}

/** True when the gateway ends TLS on this port of the host. */
export function endsTls(spec: ServiceSpec, published: number): boolean {
  const tls = spec.pilothouse.traffic?.tls;
  return tls !== undefined && (tls.ports === undefined || tls.ports.includes(published));
}

/** The certificate a service serves with; without one of its own it gets one that is called like the service. */
export function certificateOf(key: string, spec: ServiceSpec): string | undefined {
  const tls = spec.pilothouse.traffic?.tls;
  return tls && (tls.certificate ?? key);
}
