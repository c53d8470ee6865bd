/**
 * Which services of a stack must share a node. A bridge network ends at its machine: services that reach each other by name over one
 * are kept together, unless `x-pilothouse.spread` says that a service can do without. Pure.
 */
import type { ServiceSpec } from '../../contract/spec';
import type { StackParts } from '../stack';

/** The services, by name, that are kept on one node with this one, itself first. Alone: it may be spread. */
export function keptWith(name: string, specs: ReadonlyMap<string, ServiceSpec>, parts: StackParts): string[] {
  const found = [name];
  for (let at = 0; at < found.length; at++) {
    const one = specs.get(found[at] ?? '');
    if (!one) continue;
    for (const [other, spec] of specs)
      if (!found.includes(other) && sharedNetwork(one, spec, parts) !== undefined) found.push(other);
    const joined = /^service:(.+)$/.exec(one.networkMode ?? '')?.[1];
    if (joined !== undefined && specs.has(joined) && !found.includes(joined)) found.push(joined);
  }
  return found;
}

/** A network over which two services reach each other and that ends at its machine. */
export function sharedNetwork(one: ServiceSpec, other: ServiceSpec, parts: StackParts): string | undefined {
  if (one.pilothouse.spread === true || other.pilothouse.spread === true) return undefined;
  if (one.networkMode !== undefined || other.networkMode !== undefined) return undefined;
  const theirs = new Set(other.networks.map(({ network }) => network));
  return one.networks.find(({ network }) => theirs.has(network) && parts.networks[network]?.driver !== 'overlay')
    ?.network;
}
