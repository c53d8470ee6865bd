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
  const match =
    /^(?:(?:\[([0-9A-Fa-f:.%]+)\]|([0-9.]+)|([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)):)?(?:([0-9-]*):)?([0-9]+(?:-[0-9]+)?)$/.exec(
      ports,
    );
  if (match === null) return 'shape';
  let [, bracketed, ipv4, bareIpv6, host, container] = match;
  // `80:80` fits the IPv4 branch as well; an address has dots.
  if (ipv4 !== undefined && !ipv4.includes('.')) {
    if (host !== undefined) return 'shape';
    host = ipv4;
    ipv4 = undefined;
  }
  const hostIp = bracketed ?? ipv4 ?? bareIpv6;
  if (ipv4 !== undefined && !isIpv4(ipv4)) return 'shape';
  const target = parsePortRange(container ?? '');
  const published = host === undefined || host === '' ? undefined : parsePortRange(host);
  if (target === undefined || (host !== undefined && host !== '' && published === undefined)) return 'range';
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
