/**
 * Which addresses a notice may be sent to. A name that somebody typed can lead anywhere, so what it leads to is looked at once and
 * exactly that is connected to: neither a cloud's metadata service nor, unless it is meant, this machine's own network.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** `public`: anybody's; `local`: only for channels that say so; `never`: for nobody. */
export type Reach = 'public' | 'local' | 'never';

export interface Address {
  address: string;
  family: 4 | 6;
}

/** All addresses of a name. Rejects when there are none. */
export type Lookup = (host: string) => Promise<Address[]>;

const never = blocks([
  ['0.0.0.0', 8, 'this network'],
  ['169.254.0.0', 16, 'link-local, and where clouds keep their metadata'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.88.99.0', 24, '6to4 relays'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved, and broadcast'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'site-local, given up'],
  ['ff00::', 8, 'multicast'],
  ['fd00:ec2::', 32, 'metadata of a cloud'],
  ['fd20:ce::', 32, 'metadata of a cloud'],
  ['100::', 64, 'discard'],
  ['2001:db8::', 32, 'documentation'],
  // An IPv4 address in disguise: whatever the sixth version says of it, a relay may lead it home.
  ['64:ff9b::', 96, 'NAT64'],
  ['64:ff9b:1::', 48, 'NAT64'],
  ['2001::', 32, 'Teredo'],
  ['2002::', 16, '6to4'],
]);

const local = blocks([
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'behind the provider'],
  ['127.0.0.0', 8, 'loopback'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'protocol assignments'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'benchmarks'],
  ['fc00::', 7, 'unique local'],
]);

/** Also finds IPv4 ranges in IPv4-mapped addresses, such as ::ffff:127.0.0.1. */
function blocks(ranges: readonly [net: string, prefix: number, why: string][]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of ranges) list.addSubnet(net, prefix, isIP(net) === 4 ? 'ipv4' : 'ipv6');
  return list;
}

/** Where an address leads. What is no address leads nowhere. */
export function reachOf(text: string): Reach {
  const [address = ''] = text.split('%');
  const version = isIP(address);
  if (version === 0) return 'never';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (never.check(address, family)) return 'never';
  if (version === 6) {
    const groups = groupsOf(address);
    const [last = 0] = groups.slice(7);
    if (groups.slice(0, 7).every((group) => group === 0)) return last === 1 ? 'local' : 'never';
    // `::a.b.c.d`, given up long ago, and translated ones: nobody has such an address.
    if (groups.slice(0, 6).every((group) => group === 0)) return 'never';
    if (groups.slice(0, 4).every((group) => group === 0) && groups[4] === 0xffff) return 'never';
  }
  return local.check(address, family) ? 'local' : 'public';
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const [before, after] = [parse(head), parse(tail ?? '')];
  return [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}

/** What this machine's resolver says. */
export const resolveName: Lookup = async (host) => {
  const found = await systemLookup(host, { all: true, verbatim: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

export type Choice = { addresses: Address[] } | { refused: 'never' | 'local' };

/** The addresses of a host that may be connected to. One bad address among them is enough: which one is taken is chance. */
export async function addressesOf(host: string, allowLocal: boolean, lookup: Lookup): Promise<Choice> {
  const bare = host.replace(/^\[|\]$/g, '');
  const version = isIP(bare);
  const addresses = version === 0 ? await lookup(bare) : [{ address: bare, family: version === 6 ? 6 : 4 } as const];
  const reaches = addresses.map(({ address }) => reachOf(address));
  if (reaches.length === 0 || reaches.includes('never')) return { refused: 'never' };
  if (!allowLocal && reaches.includes('local')) return { refused: 'local' };
  return { addresses: [...addresses] };
}
