/** Ports in their short form: `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]`. */
import type { PortSpec } from '../../contract/spec';

/** Why a port text is not one. */
export type PortFault = 'shape' | 'range' | 'lengths' | 'protocol';

type ShortPort = Pick<PortSpec, 'target' | 'protocol' | 'published' | 'hostIp'>;

const protocols = new Set(['tcp', 'udp', 'sctp']);
/** More ports in one range than anybody means; media servers do publish 10,001 at a time. */
const longestRange = 20_000;

/**
 * The ports of a short form. Two ranges of one length go together port by port; a host range before a single container port stays a
 * range, out of which each replica takes one.
 */
export function parsePortText(text: string): ShortPort[] | PortFault {
  const slash = text.lastIndexOf('/');
  const protocol = slash < 0 ? 'tcp' : text.slice(slash + 1).toLowerCase();
  if (!protocols.has(protocol)) return 'protocol';
  const ports = slash < 0 ? text : text.slice(0, slash);
  const { container, host, hostIp } = splitColons(ports);
  if (!/^[0-9]+(-[0-9]+)?$/.test(container) || !/^[0-9-]*$/.test(host)) return 'shape';
  if (hostIp !== undefined && !isIpv4(hostIp) && !/^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%\w+)?$/.test(hostIp)) return 'shape';
  const target = parsePortRange(container);
  const published = host === '' ? undefined : parsePortRange(host);
  if (target === undefined || (host !== '' && published === undefined)) return 'range';
  const base = { protocol: protocol as PortSpec['protocol'], ...(hostIp === undefined ? {} : { hostIp }) };
  const length = target.to - target.from + 1;
  if (published === undefined) {
    return Array.from({ length }, (_, index) => ({ target: target.from + index, ...base }));
  }
  if (length === 1) return [{ target: target.from, published, ...base }];
  if (published.to - published.from + 1 !== length) return 'lengths';
  return Array.from({ length }, (_, index) => {
    const port = published.from + index;
    return { target: target.from + index, published: { from: port, to: port }, ...base };
  });
}

/** From the right: container, host port, and what is left is the address, in brackets or not. */
function splitColons(ports: string): { container: string; host: string; hostIp?: string } {
  const last = ports.lastIndexOf(':');
  if (last < 0) return { container: ports, host: '' };
  const container = ports.slice(last + 1);
  const rest = ports.slice(0, last);
  const before = rest.lastIndexOf(':');
  if (before < 0) return { container, host: rest };
  return { container, host: rest.slice(before + 1), hostIp: rest.slice(0, before).replace(/^\[(.*)\]$/, '$1') };
}

/** `80` or `80-90`; undefined for anything that is no port between 0 and 65535. 0 as a host port means any. */
export function parsePortRange(text: string): { from: number; to: number } | undefined {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65535 && to - from < longestRange ? { from, to } : undefined;
}

function isIpv4(text: string): boolean {
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);
}
